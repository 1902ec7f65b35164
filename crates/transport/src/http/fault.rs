//! The reasons why a connection failed.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use identkit_core::{Advice, BoxError, Delivery, Kind};
use rustls::{AlertDescription, CertificateError};

use crate::Failure;

/// Declares the faults. Each text is also the variant's documentation.
macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident: $text:literal;)*) => {
        /// Why a connection failed. Nothing was sent, except possibly with
        /// [`ClientCertificate`](Self::ClientCertificate).
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ConnectFault {
            $(#[doc = concat!($text, ".")] $(#[$doc])* $name,)*
        }

        impl ConnectFault {
            /// The text of the fault.
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
    PinMismatch: "the server's certificate is not trusted: its key is not one of the pinned keys";
    CertificateUnusable: "the server's certificate is not trusted: it is invalid, revoked or issued for another purpose";
    /// E.g. a certificate made by `openssl req -x509` without further options.
    CertificateOfAuthority: "the server's certificate is not trusted: it is the certificate of an authority (CA:TRUE), not of a server; create one with CA:FALSE";
    UnsupportedSignature: "the server's certificate is not trusted: it is signed in an unsupported way, e.g. by a key on P-521; use P-256, P-384, Ed25519 or RSA";
    /// E.g. a server that speaks only TLS 1.1, or whose key is on P-521.
    NoCommonTls: "the TLS handshake failed: the server must support TLS 1.2 or 1.3 with a secure cipher, and have a key on P-256 or P-384, Ed25519 or RSA";
    /// With TLS 1.3 this can happen after the request was sent.
    ClientCertificate: "the server requires a client certificate, or rejects the configured one";
    NoTls: "the TLS handshake failed: the server does not speak TLS";
    ProxyUnreachable: "no connection to the proxy could be made";
    /// Only if the URL of the proxy is `https`.
    ProxyTls: "the TLS handshake with the proxy failed: its certificate is not trusted, or it does not speak TLS";
    /// The proxy answered 401 or 407.
    ProxyCredentials: "the proxy requires credentials, or rejects the configured ones: check its user and password";
    /// The proxy answered another 4xx, or a redirect.
    ProxyForbids: "the proxy does not allow a connection to this host";
    /// The proxy answered 5xx.
    ProxyFailed: "the proxy could not connect to the host";
    /// Also if the response is too long.
    ProxyProtocol: "the proxy's response to CONNECT is not valid HTTP/1.1";
    ProxyClosed: "the proxy closed the connection before it answered";
}

impl ConnectFault {
    /// Advice for faults of the proxy's configuration.
    fn advice(self) -> Option<Advice> {
        let proxy = matches!(self, Self::ProxyTls | Self::ProxyCredentials | Self::ProxyForbids | Self::ProxyProtocol);
        proxy.then_some(Advice::CheckProxy)
    }

    /// Whether the fault is permanent: another attempt would fail the same way.
    pub fn permanent(self) -> bool {
        !matches!(
            self,
            Self::NameNotFound | Self::Unreachable | Self::ProxyUnreachable | Self::ProxyFailed | Self::ProxyClosed
        )
    }
}

impl fmt::Display for ConnectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl StdError for ConnectFault {}

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

    /// The fault.
    pub fn fault(&self) -> ConnectFault {
        self.fault
    }

    /// Converts it into the failure of an attempt that sent nothing.
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

/// The first error of this type among an error and its sources. The `source` of an `io::Error` skips the error that it
/// wraps, so that one is checked as well.
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

/// The fault of a failed connection. `certificate_requested`: whether the server requested a client certificate.
pub(super) fn connect_fault(error: &(dyn StdError + 'static), certificate_requested: bool) -> ConnectFault {
    if let Some(known) = find::<ConnectError>(error) {
        return known.fault;
    }
    match find::<rustls::Error>(error) {
        None => ConnectFault::Unreachable,
        Some(rustls::Error::InvalidCertificate(certificate)) => certificate_fault(certificate),
        Some(rustls::Error::AlertReceived(AlertDescription::HandshakeFailure)) if certificate_requested => {
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

/// Whether the server rejected the client's certificate, or that there was none. With TLS 1.3 this arrives after the
/// handshake.
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
                // The authority has a known name but another key.
                | AlertDescription::DecryptError
        )
    )
}

fn certificate_fault(error: &CertificateError) -> ConnectFault {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => ConnectFault::CertificateExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ConnectFault::CertificateNotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => ConnectFault::WrongHost,
        // An issuer with the name of a trusted one but another key leads to `BadSignature`.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => ConnectFault::UnknownAuthority,
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            ConnectFault::UnsupportedSignature
        }
        CertificateError::Other(other) if other.0.is::<ConnectFault>() => ConnectFault::PinMismatch,
        CertificateError::Other(other) if matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) => {
            ConnectFault::CertificateOfAuthority
        }
        _ => ConnectFault::CertificateUnusable,
    }
}
