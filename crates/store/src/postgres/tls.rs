//! TLS to the server. Its certificate and its name are always verified.

use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use identkit_core::{BoxFuture, Error, Kind};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// Whom a server's certificate must come from.
pub(super) enum Authorities {
    Bundled,
    /// A file of certificates in PEM.
    File(PathBuf),
}

#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

impl Tls {
    pub(super) fn new(authorities: Authorities) -> Result<Self, Error> {
        let refuse = |text: &'static str| Error::new(Kind::InvalidInput, text);
        let mut roots = RootCertStore::empty();
        match authorities {
            Authorities::Bundled => roots.roots = webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            Authorities::File(path) => {
                let unreadable = || refuse("the file of sslrootcert cannot be read, or contains a damaged certificate");
                for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable())? {
                    roots.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
                }
            }
        }
        if roots.is_empty() {
            return Err(refuse("the file of sslrootcert does not contain a PEM certificate"));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| refuse("the TLS provider offers neither version 1.2 nor 1.3"))?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        // `sslnegotiation=direct` needs it.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Secured;
    type TlsConnect = Handshake;
    type Error = Infallible;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Handshake, Infallible> {
        // It is called without TLS, too: the name of a socket is empty.
        Ok(Handshake(self.0.clone(), domain.to_owned()))
    }
}

pub(super) struct Handshake(TlsConnector, String);

impl TlsConnect<Socket> for Handshake {
    type Stream = Secured;
    type Error = std::io::Error;
    type Future = BoxFuture<'static, std::io::Result<Secured>>;

    fn connect(self, stream: Socket) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.1).map_err(std::io::Error::other)?;
            self.0.connect(name, stream).await.map(Secured)
        })
    }
}

pub(super) struct Secured(tokio_rustls::client::TlsStream<Socket>);

impl TlsStream for Secured {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
