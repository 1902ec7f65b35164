//! Why no connection came about, told apart.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use identkit_core::{Advice, BoxError, Delivery, Kind};
use rustls::{AlertDescription, CertificateError};

use crate::Failure;

/// Declares the faults: each with its text, which documents it too.
macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident: $text:literal;)*) => {
        /// Why no connection came about. Nothing of a request has been sent, except where
        /// [`ClientCertificate`](Self::ClientCertificate) says otherwise.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ConnectFault {
            $(#[doc = concat!($text, ".")] $(#[$doc])* $name,)*
        }

        impl ConnectFault {
            /// The fault in words.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

faults! {
    NameNotFound: "the name of the host could not be resolved";
    Unreachable: "no connection could be made";
    CertificateExpired: "the server's certificate is not trusted: it has expired";
    CertificateNotYetValid: "the server's certificate is not trusted: it is not valid yet";
    WrongHost: "the server's certificate is not trusted: it is for another host";
    UnknownAuthority: "the server's certificate is not trusted: no trusted authority issued it";
    PinMismatch: "the server's certificate is not trusted: its key is none of the pinned ones";
    CertificateUnusable: "the server's certificate is not trusted: it is broken, revoked or made for another purpose";
    /// A server that speaks TLS 1.1 only, for one.
    NoCommonTls: "no TLS connection could be agreed on: TLS 1.2 or 1.3 and a cipher of today are needed";
    /// With TLS 1.3 this may be told after the request was sent.
    ClientCertificate: "the server wants a client certificate, or does not accept the one given";
    NoTls: "no TLS connection could be agreed on: the server does not speak TLS";
    ProxyUnreachable: "no connection to the proxy could be made";
    /// The proxy is to be reached by TLS.
    ProxyTls: "no TLS connection to the proxy could be agreed on: its certificate is not trusted, or it does not speak TLS";
    /// It answered 407, or 401.
    ProxyCredentials: "the proxy wants credentials, or does not accept those given: check its user and password";
    /// It answered another 4xx, or a redirect.
    ProxyForbids: "the proxy does not allow a connection to this host";
    /// It answered 5xx.
    ProxyFailed: "the proxy could not connect to the host";
    /// Or its answer has no end.
    ProxyProtocol: "the proxy's answer is no HTTP/1.1";
    ProxyClosed: "the proxy closed the connection before it answered";
}

impl ConnectFault {
    /// What to do about it, where that is more than to look after the connection.
    fn advice(self) -> Option<Advice> {
        let proxy = matches!(self, Self::ProxyTls | Self::ProxyCredentials | Self::ProxyForbids | Self::ProxyProtocol);
        proxy.then_some(Advice::CheckProxy)
    }

    /// Whether trying again ends the same.
    pub fn permanent(self) -> bool {
        !matches!(
            self,
            Self::NameNotFound | Self::Unreachable | Self::ProxyUnreachable | Self::ProxyFailed | Self::ProxyClosed
        )
    }
}

/// A [`ConnectFault`] with its cause, as the source of a failure.
#[derive(Debug)]
pub struct ConnectError {
    fault: ConnectFault,
    source: BoxError,
}

impl ConnectError {
    pub(super) fn new(fault: ConnectFault, source: impl Into<BoxError>) -> Self {
        Self { fault, source: source.into() }
    }

    /// Which it is.
    pub fn fault(&self) -> ConnectFault {
        self.fault
    }

    /// As the failure of an attempt of which nothing was sent.
    pub(super) fn failure(self) -> Failure {
        let failure = Failure::new(Delivery::NotSent, Kind::Unreachable, self.fault.text());
        let failure = Failure { permanent: self.fault.permanent(), advice: self.fault.advice(), ..failure };
        failure.with_source(self)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fault.text())
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref())
    }
}

/// The first error of this type among an error and its causes. An `io::Error` skips what it holds, and one may
/// wrap another: both are looked into.
pub(super) fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// What a connector's error means; `asked` says whether the server wanted a client certificate meanwhile.
pub(super) fn of_connector(error: &(dyn StdError + 'static), asked: bool) -> ConnectFault {
    if let Some(told) = find::<ConnectError>(error) {
        return told.fault;
    }
    match find::<rustls::Error>(error) {
        None => ConnectFault::Unreachable,
        Some(rustls::Error::InvalidCertificate(certificate)) => of_certificate(certificate),
        Some(rustls::Error::AlertReceived(AlertDescription::HandshakeFailure)) if asked => {
            ConnectFault::ClientCertificate
        }
        Some(tls) if refuses_client(tls) => ConnectFault::ClientCertificate,
        Some(
            rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(
                AlertDescription::ProtocolVersion
                | AlertDescription::HandshakeFailure
                | AlertDescription::InsufficientSecurity,
            ),
        ) => ConnectFault::NoCommonTls,
        Some(_) => ConnectFault::NoTls,
    }
}

/// Whether the server said that it will not have this client; with TLS 1.3 that comes after the handshake.
pub(super) fn refuses_client(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
                | AlertDescription::NoCertificate
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied
                // A certificate of an authority of a known name and with another key.
                | AlertDescription::DecryptError
        )
    )
}

fn of_certificate(error: &CertificateError) -> ConnectFault {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => ConnectFault::CertificateExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ConnectFault::CertificateNotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => ConnectFault::WrongHost,
        // An issuer of the name of a trusted one, and with another key, shows as a wrong signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => ConnectFault::UnknownAuthority,
        CertificateError::Other(other) if other.0.is::<ConnectError>() => ConnectFault::PinMismatch,
        _ => ConnectFault::CertificateUnusable,
    }
}
