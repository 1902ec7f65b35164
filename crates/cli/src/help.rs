//! What stands below the options in `--help`: examples, and what must be known before a command is used.

pub(crate) const EXIT_CODES: &str = "\
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

pub(crate) const TOP: &str = "\
Examples:
  identkit demo                       both vendors' typical flow, end to end
  identkit sandbox                    a sandbox of both vendors, until ended
  identkit tm put-order order.json    place an order with identity.TM
  identkit identify24 get IDENT_ID    read an ident of identify24

Every command has a --help of its own.
";

/// Heading of the options that every command has.
pub(crate) const OUTPUT: &str = "Output";
/// Heading of the options of the commands that call a vendor.
pub(crate) const CONNECTION: &str = "Connection";
