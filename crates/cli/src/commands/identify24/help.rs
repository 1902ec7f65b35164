//! Help texts of `identkit identify24`.

pub(super) const TOP: &str = "\
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

pub(super) const LOGIN: &str = "\
Examples:
  identkit identify24 login
  identkit identify24 login --reveal --output json | jq -r .token

Not needed before other commands: each of them logs in by itself. A token idles
out 30 minutes after its last use.
";

pub(super) const CREATE: &str = "\
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

pub(super) const GET: &str = "\
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

pub(super) const PROJECTS: &str = "\
Example:
  identkit identify24 projects --output json | jq -r '.projects[].id'
";

pub(super) const PROJECT: &str = "\
Examples:
  identkit identify24 project 6
  identkit identify24 project 6 --by-list

It is a GET with a body, which some proxies refuse or drop. Where it does not
get through, the project is looked up in the list of all, and a note says so.
";
