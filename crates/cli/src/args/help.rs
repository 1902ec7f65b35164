//! What stands below the options in `--help`: examples, and what must be known before a command is used.

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  2  wrong usage or invalid input; nothing was sent
  3  the vendor does not accept the credentials
  4  the vendor does not know it
  5  the vendor refused it
  6  the outcome is unknown: the vendor may have carried it out;
     do not repeat it blindly
  7  the vendor is unreachable, not able to serve, or out of time
  1  anything else
130  interrupted (Ctrl-C), 143 ended (SIGTERM), 129 hung up (SIGHUP):
     what was sent may be carried out";

pub(super) const TOP: &str = "\
Examples:
  identkit demo                       both vendors' typical flow, end to end
  identkit sandbox                    a sandbox of both vendors, until ended
  identkit tm put-order order.json    place an order with identity.TM
  identkit identify24 get IDENT_ID    read an ident of identify24

Every command has a --help of its own.
";

pub(super) const DEMO_HELP: &str = "\
What it does:
  1. starts a sandbox (TLS, a certificate authority of its own) and a webhook
     receiver
  2. identity.TM: places the document's own order with a PDF to sign, plays the
     person, receives the webhooks, reads status, data, report and signed PDF,
     saves and checks them, deletes them at the vendor
  3. identify24: logs in, creates the document's John Doe, receives the webhook,
     confirms it by a read

Every step is told on standard error as it happens, the summary goes to standard
output. All files are below --out; the inputs are there too, to be edited and
used with the other commands.

Examples:
  identkit demo --out identkit-demo
  identkit demo --output json | jq '.files[].path'
  identkit demo --break receiver

Exit codes:
  0  every check held
  2  wrong usage
  1  a check did not hold
130  interrupted (Ctrl-C), 143 ended (SIGTERM), 129 hung up (SIGHUP)
A call that fails gives its own code, as identkit --help lists them.";

pub(super) const SANDBOX_HELP: &str = "\
When it is ready it prints one line of JSON with its URLs, credentials, CA file
and what world it runs, and goes on until it is ended (Ctrl-C, SIGTERM). Without
options it is a friendly one: the world `default`, in real time, profile literal.

Examples:
  identkit sandbox --listen 127.0.0.1:8443 --admin 127.0.0.1:8444 \\
    --write-ca ca.pem &
  curl --cacert ca.pem https://127.0.0.1:8443/api/2.10/serverStatus
  curl --cacert ca.pem -u sandbox-customer:sandbox-code \\
    https://127.0.0.1:8443/api/2.10/getStatus/99921269855041/ExtendedList
  curl -d '{\"story\":\"positive\"}' \\
    http://127.0.0.1:8444/_sandbox/v1/orders/ORDER_ID/transition

For tests that give the same bytes each time, with time under control:
  identkit sandbox --clock frozen --seed 7 --admin 127.0.0.1:8444
  curl -d '{\"seconds\":86400}' \\
    http://127.0.0.1:8444/_sandbox/v1/clock/advance

A minute as a second, and orders that are there again tomorrow:
  identkit sandbox --clock scaled:60 --world-file sandbox-world.json

In a container, for the other ones of a private network:
  identkit sandbox --allow-non-loopback --tls-name sandbox \\
    --listen 0.0.0.0:8443 --admin 0.0.0.0:8444 --write-ca /shared/ca.pem

POST /_sandbox/v1/settings sets the accounts up while it runs:
  curl -d '{\"identity_tm\":{\"voice_files\":true}}' \\
    http://127.0.0.1:8444/_sandbox/v1/settings
docs/sandbox.md is the guide, docs/sandbox-control.md tells what can be done;
GET /_sandbox/v1/openapi.json describes every call of the admin API.

The documents' own examples work: the orders 99921269855041 and 99920006C38842
of identity.TM; the project 6, the token xxx and the ident
xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx of identify24.

Exit codes:
  0  ended from outside
  2  wrong usage, an address that is not loopback or a world file that is
     damaged among it
  1  anything else, a port in use or a world that cannot be saved among it";

pub(super) const TM_HELP: &str = "\
Examples, against identkit sandbox --listen 127.0.0.1:8443 --write-ca ca.pem:
  export IDENTKIT_TM_BASE_URL=https://127.0.0.1:8443/api/2.10
  export IDENTKIT_TM_CUSTOMER_ID=sandbox-customer
  export IDENTKIT_TM_CUSTOMER_CODE=sandbox-code
  export IDENTKIT_CA_FILE=ca.pem
  identkit tm put-order order.json
  identkit tm status 99921269855041 --extended
";

pub(super) const PUT_ORDER_HELP: &str = "\
Examples:
  identkit tm put-order order.json
  identkit tm put-order - --output json < order.json | jq -r .TargetURL

An order without a Ref gets a random one: by it the order can be found again
when the answer is lost.
";

pub(super) const STATUS_HELP: &str = "\
Examples:
  identkit tm status 99921269855041
  identkit tm status 99921269855041 --extended --output json
";

pub(super) const IDENT_DATA_HELP: &str = "\
Examples:
  identkit tm ident-data 99921269855041 --include-initial-data
  identkit tm ident-data 99921269855041 --output json
  identkit tm ident-data 99921269855041 --signed -o ident.signed

The signed form is opaque. Keep the file as it is: a byte more or less, and the
vendor refuses it in a later order. It is never written to a terminal. A file
that is there already is replaced with --force only.
";

pub(super) const IDENT_DATA_PDF_HELP: &str = "\
Example:
  identkit tm ident-data-pdf 99921269855041 -o report.pdf

A file that is there already is replaced with --force only.
";

pub(super) const ESIGN_PDF_HELP: &str = "\
Example:
  identkit tm esign-pdf ORDER_ID -o signed

The documents are ORDER_ID-1.pdf, ORDER_ID-2.pdf and so on, so that orders can
share a folder. Files that are there already are replaced with --force only. A
folder that is made is its owner's only, and goes if nothing is written into it.
";

pub(super) const DELETE_HELP: &str = "\
Examples:
  identkit tm delete 99920006C38842
  identkit tm delete 99920006C38842 --yes

After the vendor has said that the data is deleted, it is read once more: exit
code 0 means that the vendor no longer has it.
";

pub(super) const CANCEL_HELP: &str = "\
Example:
  identkit tm cancel ORDER_ID --yes

When no complete answer comes the status is read: exit code 0 means that it
shows the cancellation.
";

pub(super) const ESIGN_HASH_HELP: &str = "\
Example:
  identkit tm esign-hash ORDER_ID --output json
";

pub(super) const VIDEO_HELP: &str = "\
Examples:
  identkit tm video request ORDER_ID \\
    --callback-url 'https://example.com/video?token=…&order=ORDER_ID'
  identkit tm video get ORDER_ID -o video.mp4 --callback-received
";

pub(super) const VIDEO_REQUEST_HELP: &str = "\
Example:
  identkit tm video request ORDER_ID \\
    --callback-url 'https://example.com/video?token=…&order=ORDER_ID'

Put the order and a secret of your own into the URL: the call has no body, and
the document does not say whether anything is filled in. Nothing else tells that
the recording is ready; without the call, video get may bring a placeholder.
";

pub(super) const VIDEO_GET_HELP: &str = "\
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

pub(super) const VOICE_HELP: &str = "\
Example:
  identkit tm voice ORDER_ID -o voice

The names are the vendor's, without what a file system could misread. No file is
ever replaced: a name that is taken gets a number, unless the very same bytes
are there already.
";

pub(super) const STATUSES_HELP: &str = "\
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

pub(super) const DRAIN_HELP: &str = "\
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

pub(super) const SIGN_HELP: &str = "\
Examples:
  identkit tm sign request ORDER_ID
  identkit tm sign resend ORDER_ID
  identkit tm sign confirm ORDER_ID --tan 012345
";

pub(super) const BANKS_HELP: &str = "\
Example:
  identkit tm banks --output json
";

pub(super) const SIGNME_HELP: &str = "\
Example:
  identkit tm signme-user e.mustermann@example.com
";

pub(super) const FINALITY_HELP: &str = "\
Examples:
  identkit tm finality 99921269855041
  identkit tm finality 99921269855041 --output json

What ends an order depends on whether it is to be signed, which the status does
not tell: both verdicts are given where they differ.
";

pub(super) const PING_HELP: &str = "\
Example:
  identkit tm ping
";

pub(super) const IDENTIFY24_HELP: &str = "\
Examples, against identkit sandbox --listen 127.0.0.1:8443 --write-ca ca.pem:
  export IDENTKIT_IDENTIFY24_BASE_URL=https://127.0.0.1:8443
  export IDENTKIT_IDENTIFY24_PARTNER=911-internet
  export IDENTKIT_IDENTIFY24_API_KEY=sandbox-api-key
  export IDENTKIT_CA_FILE=ca.pem
  identkit identify24 login
  identkit identify24 create ident.json --out created.json
  identkit identify24 get --from created.json
  identkit identify24 get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx

Whoever has an ident_id or a conference_url can act as the person, and whoever
has a token as the partner. These and personal data are `[redacted]` in tables
and in JSON; --reveal shows them.
";

pub(super) const LOGIN_HELP: &str = "\
Examples:
  identkit identify24 login
  identkit identify24 login --reveal --output json | jq -r .token

Not needed before other commands: each of them logs in by itself. A token idles
out 30 minutes after its last use.
";

pub(super) const CREATE_HELP: &str = "\
Examples:
  identkit identify24 create ident.json --out created.json
  jq -r .conference_url created.json
  identkit identify24 get --from created.json
  identkit identify24 create - --reveal --output json < ident.json

identify24 has no call that lists idents: an ident_id that nobody kept is lost.
So nothing is sent unless it goes into a file (--out) or is shown (--reveal).
The file is whole or not there, never in place of another, and its owner's only.
On exit code 6 it holds what the vendor answered, if it did: that may be the
only copy of an ident_id, which get --from then takes.
";

pub(super) const GET_HELP: &str = "\
Examples:
  identkit identify24 get --from created.json
  identkit identify24 get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx --reveal
  echo \"$IDENT_ID\" | identkit identify24 get - --output json
  identkit identify24 get --from created.json --zone Europe/Berlin \\
    --outcome Identified=positive --outcome Rejected=negative

An ident_id on the command line can be read by others on this machine: --from
and - keep it from there. The document names one status, Unidentified (pending);
what any other means is for you to say, its case does not matter. Outcomes:
  pending identified positive signed negative terminated fraud_suspicion
  timed_out timed_out_after_ident gone
When the vendor forgets the ident is an estimate: 90 days after its creation.
";

pub(super) const PROJECTS_HELP: &str = "\
Example:
  identkit identify24 projects --output json | jq -r '.projects[].id'
";

pub(super) const PROJECT_HELP: &str = "\
Examples:
  identkit identify24 project 6
  identkit identify24 project 6 --by-list

It is a GET with a body, which some proxies refuse or drop. Where it does not
get through, the project is looked up in the list of all, and a note says so.
";
