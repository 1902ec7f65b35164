//! Help texts of `identkit tm`.

pub(super) const TOP: &str = "\
Examples, against identkit sandbox --listen 127.0.0.1:8443 --write-ca ca.pem:
  export IDENTKIT_TM_BASE_URL=https://127.0.0.1:8443/api/2.10
  export IDENTKIT_TM_CUSTOMER_ID=sandbox-customer
  export IDENTKIT_TM_CUSTOMER_CODE=sandbox-code
  export IDENTKIT_CA_FILE=ca.pem
  identkit tm put-order order.json
  identkit tm status 99921269855041 --extended
";

pub(super) const PUT_ORDER: &str = "\
Examples:
  identkit tm put-order order.json
  identkit tm put-order - --output json < order.json | jq -r .TargetURL

An order without a Ref gets a random one: by it the order can be found again
when the answer is lost.
";

pub(super) const STATUS: &str = "\
Examples:
  identkit tm status 99921269855041
  identkit tm status 99921269855041 --extended --output json
";

pub(super) const IDENT_DATA: &str = "\
Examples:
  identkit tm ident-data 99921269855041 --include-initial-data
  identkit tm ident-data 99921269855041 --output json
  identkit tm ident-data 99921269855041 --signed -o ident.signed

The signed form is opaque. Keep the file as it is: a byte more or less, and the
vendor refuses it in a later order. It is never written to a terminal. A file
that is there already is replaced with --force only.
";

pub(super) const IDENT_DATA_PDF: &str = "\
Example:
  identkit tm ident-data-pdf 99921269855041 -o report.pdf

A file that is there already is replaced with --force only.
";

pub(super) const ESIGN_PDF: &str = "\
Example:
  identkit tm esign-pdf ORDER_ID -o signed

The documents are ORDER_ID-1.pdf, ORDER_ID-2.pdf and so on, so that orders can
share a folder. Files that are there already are replaced with --force only. A
folder that is made is its owner's only, and goes if nothing is written into it.
";

pub(super) const DELETE: &str = "\
Examples:
  identkit tm delete 99920006C38842
  identkit tm delete 99920006C38842 --yes

After the vendor has said that the data is deleted, it is read once more: exit
code 0 means that the vendor no longer has it.
";

pub(super) const CANCEL: &str = "\
Example:
  identkit tm cancel ORDER_ID --yes

When no complete answer comes the status is read: exit code 0 means that it
shows the cancellation.
";

pub(super) const ESIGN_HASH: &str = "\
Example:
  identkit tm esign-hash ORDER_ID --output json
";

pub(super) const VIDEO: &str = "\
Examples:
  identkit tm video request ORDER_ID \\
    --callback-url 'https://example.com/video?token=…&order=ORDER_ID'
  identkit tm video get ORDER_ID -o video.mp4 --callback-received
";

pub(super) const VIDEO_REQUEST: &str = "\
Example:
  identkit tm video request ORDER_ID \\
    --callback-url 'https://example.com/video?token=…&order=ORDER_ID'

Put the order and a secret of your own into the URL: the call has no body, and
the document does not say whether anything is filled in. Nothing else tells that
the recording is ready; without the call, video get may bring a placeholder.
";

pub(super) const VIDEO_GET: &str = "\
Examples:
  identkit tm video get ORDER_ID -o video.mp4 --callback-received
  identkit tm video get ORDER_ID -o video.mp4 --output json
  identkit tm video get ORDER_ID -o video.mp4 --placeholder-sha256 HEX

Until it has called back, the vendor answers with a placeholder video, under the
same status as a real one. Without --callback-received the result says so
(\"provisioned\": \"unknown\"), and is no evidence before its digest was compared.
A placeholder that you know is refused by its digest: exit code 1, and nothing
is written. A file that is there already is replaced with --force only.
";

pub(super) const VOICE: &str = "\
Example:
  identkit tm voice ORDER_ID -o voice

The names are the vendor's, without what a file system could misread. No file is
ever replaced: a name that is taken gets a number, unless the very same bytes
are there already.
";

pub(super) const STATUSES: &str = "\
Examples:
  identkit tm statuses --from 2020-09-10 --to 2020-09-11 --extended
  identkit tm statuses --from 2020-09-10T12:00:00+02:00
  identkit tm statuses --from -24h --output json | jq '.orders[].OrderID'

Times:
  2020-09-10T12:00:00+02:00  RFC 3339, with an offset or Z
  2020-09-10                 the start of that day in UTC, which is one or two
                             hours after it began in Germany
  -90m, -24h, -7d, now       counted from now

It pages by itself, each page with the whole --timeout, and can be repeated at
will. Let windows overlap: the document does not say whether their ends belong
to them. The verdict is by the codes of the window; identkit tm finality asks
for all codes of one order.
";

pub(super) const DRAIN: &str = "\
Examples:
  identkit tm drain-unreported --journal drained.jsonl
  identkit tm drain-unreported --journal drained.jsonl --yes --output json

Destructive: the vendor marks what it tells as reported and never tells it
again, not to anybody, also when its answer is lost. At most 1000 entries come
at once; repeat it until nothing is new. identkit tm statuses reads the same
things without marking them, and is the better choice for almost everything.

The journal has one JSON object a line, on the disk before anything is shown:
  {\"v\":1,\"at\":TIME,\"event\":\"asked\"}    before the request is sent
  {\"v\":1,\"at\":TIME,\"event\":\"answer\",\"bytes\":N,\"sha256\":HEX,\"base64\":…}
  {\"v\":1,\"at\":TIME,\"event\":\"nothing\"}  nothing was new
  {\"v\":1,\"at\":TIME,\"event\":\"refused\"}  nothing was taken
An \"asked\" that nothing follows is a read whose answer is lost: read that time
by tm statuses. A line that a crash cut short is moved to FILE.torn-1. One
process at a time: the file is locked.
  jq -r 'select(.event==\"answer\").base64|@base64d' drained.jsonl
";

pub(super) const SIGN: &str = "\
Examples:
  identkit tm sign request ORDER_ID
  identkit tm sign resend ORDER_ID
  identkit tm sign confirm ORDER_ID --tan 012345
";

pub(super) const BANKS: &str = "\
Example:
  identkit tm banks --output json
";

pub(super) const SIGNME: &str = "\
Example:
  identkit tm signme-user e.mustermann@example.com
";

pub(super) const FINALITY: &str = "\
Examples:
  identkit tm finality 99921269855041
  identkit tm finality 99921269855041 --output json

What ends an order depends on whether it is to be signed, which the status does
not tell: both verdicts are given where they differ.
";

pub(super) const PING: &str = "\
Example:
  identkit tm ping
";
