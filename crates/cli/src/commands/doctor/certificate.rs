//! The certificate that a server sends, also if it is not trusted. Nothing is sent to the server: the connection ends
//! during the TLS handshake.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Uri};
use identkit_core::Clock as _;
use identkit_transport::http::{HyperTransport, TlsConfig};
use identkit_transport::{AttemptContext, SystemClock, Transport as _};
use identkit_wire::Body;
use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use x509_cert::Certificate as X509;
use x509_cert::der::Decode as _;

use super::findings::Findings;
use crate::exit::Failure;

/// Remaining time of a certificate from which on it is reported.
const SOON: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    issuer: String,
    expires: Timestamp,
}

/// Reads the certificate of a server. `None` if the server sends none in time, or if it cannot be read.
///
/// # Errors
/// If the transport cannot be built.
pub(super) async fn read(
    url: &Uri,
    timeout: Duration,
    transport: impl FnOnce(&TlsConfig) -> Result<HyperTransport, Failure>,
) -> Result<Option<Certificate>, Failure> {
    let recorder = Arc::new(Recorder { provider: Arc::new(ring::default_provider()), received: Mutex::default() });
    let builder = ClientConfig::builder_with_provider(Arc::clone(&recorder.provider));
    let Ok(builder) = builder.with_safe_default_protocol_versions() else { return Ok(None) };
    let config = builder.dangerous().with_custom_certificate_verifier(Arc::<Recorder>::clone(&recorder));
    let transport = transport(&TlsConfig::custom(config.with_no_client_auth()))?;
    let clock = SystemClock::new();
    let deadline = clock.now().plus(timeout);
    let mut request = Request::new(Body::from(Vec::new()));
    *request.uri_mut() = url.clone();
    let context = AttemptContext::new(true, deadline);
    tokio::select! {
        // It always fails.
        _ = transport.send(request, &context) => {}
        _ = clock.sleep_until(deadline) => {}
    }
    let received = recorder.received.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(received.and_then(|der| Certificate::parse(&der)))
}

impl Certificate {
    fn parse(der: &[u8]) -> Option<Self> {
        let certificate = X509::from_der(der).ok()?;
        let certificate = certificate.tbs_certificate();
        let seconds = certificate.validity().not_after.to_unix_duration().as_secs();
        let expires = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
        Some(Self { issuer: certificate.issuer().to_string(), expires })
    }

    /// When it expires and who issued it.
    pub(super) fn text(&self) -> String {
        format!("the certificate is valid until {}; issuer {}", self.expires, self.issuer)
    }

    /// Adds the check of a certificate that is trusted.
    pub(super) fn check(&self, check: &'static str, findings: &mut Findings) {
        let left = self.expires.duration_since(SystemClock::new().wall());
        match Duration::try_from(left) {
            Ok(left) if left >= SOON => findings.ok(check, self.text()),
            _ => findings.warning(check, self.text(), "the operator of the server must renew the certificate"),
        }
    }
}

/// Records the certificate of a server, and accepts none.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    received: Mutex<Option<Vec<u8>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.received.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.to_vec());
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::BadSignature.into())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::BadSignature.into())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
