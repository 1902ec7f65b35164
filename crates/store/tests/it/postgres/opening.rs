//! What is rejected when a database is opened, and how it is connected.

use std::io::Write as _;
use std::time::Duration;

use identkit_core::{Error, Kind};
use identkit_store::engine::Link;
use identkit_store::{Engine as _, Postgres, Store};

use super::engine;
use super::server::{connect, shared, write_certificates};
use crate::support::{all, delivery, key};

/// The error of opening a database, which must not contain the password.
pub(super) async fn refused(url: &str) -> Error {
    let error = Postgres::builder(url).open().await.unwrap_err();
    let mut texts = format!("{error} {error:?}");
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        texts += &format!("{cause} {cause:?}");
        source = cause.source();
    }
    assert!(!texts.contains("canary"), "{texts}");
    error
}

#[tokio::test]
async fn tls_verifies_authority_and_name() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let authority = server.authority();
    let trusted = format!("sslmode=require&sslrootcert={}", authority.display());
    engine(&server.over_tcp(&url, "localhost", &trusted)).await.find(Link([0; 48])).await.unwrap();
    let engine = engine(&server.over_tcp(&url, "localhost", &format!("{trusted}&application_name=secured"))).await;
    engine.value("mark").await.unwrap();
    let sql = "SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
        WHERE application_name = 'secured'";
    let row = connect(&url).await.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, bool>(1)), (2, true));

    let other = tempfile::tempdir().unwrap();
    write_certificates(other.path());
    let untrusted = format!("sslmode=verify-full&sslrootcert={}", other.path().join("ca.pem").display());
    for (host, options) in [("localhost", &untrusted[..]), ("127.0.0.1", &trusted), ("localhost", "sslmode=require")] {
        let error = refused(&server.over_tcp(&url, host, options)).await;
        assert!(error.to_string().contains("certificate is not trusted, has expired or has another name"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_no_password() {
    use std::io::Read as _;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut request = [0; 8];
        stream.read_exact(&mut request).unwrap();
        stream.write_all(b"N").unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        rest
    });
    let error = refused(&format!("postgresql://u:canary@localhost:{port}/db?hostaddr=127.0.0.1&sslmode=require")).await;
    assert!(error.to_string().contains("does not offer TLS"), "{error}");
    assert_eq!(received.join().unwrap(), b"");
    // Nothing listens there now.
    assert_eq!(refused(&format!("postgresql://u:canary@localhost:{port}/db")).await.kind(), Kind::Storage);
    let error = refused("postgresql://u:canary@192.0.2.1/db?sslmode=disable").await;
    assert!(error.kind() == Kind::InvalidInput && error.to_string().contains("sslmode=disable"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_not_of_this_store_is_rejected() {
    let Some(server) = shared().await else { return };
    for (change, text) in [
        ("UPDATE identkit.store SET version = 1000", "later release"),
        ("UPDATE identkit_keys.store SET version = 1000", "later release"),
        ("UPDATE identkit_keys.store SET id = '\\x00'", "belong to another store"),
        ("DROP SCHEMA identkit_keys CASCADE", "missing or belong to another store"),
        ("DROP SCHEMA identkit CASCADE; CREATE SCHEMA identkit; CREATE TABLE identkit.notes ()", "another program"),
    ] {
        let url = server.database().await;
        drop(engine(&url).await);
        let client = connect(&url).await;
        client.batch_execute(change).await.unwrap();
        let sql = "SELECT string_agg(relnamespace::regnamespace || '.' || relname, ' ' ORDER BY oid) FROM pg_class \
            WHERE relnamespace::regnamespace::text LIKE 'identkit%'";
        let before: String = client.query_one(sql, &[]).await.unwrap().get(0);
        for _ in 0..2 {
            let error = refused(&url).await;
            assert!(error.kind() == Kind::Storage && error.to_string().contains(text), "{error}");
        }
        assert_eq!(client.query_one(sql, &[]).await.unwrap().get::<_, String>(0), before);
    }
}

#[tokio::test]
async fn a_database_of_the_next_release_is_used_and_keeps_its_version() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    drop(engine(&url).await);
    let client = connect(&url).await;
    let versions = "SELECT (SELECT version FROM identkit.store) * 1000 + (SELECT version FROM identkit_keys.store)";
    let version = async || client.query_one(versions, &[]).await.unwrap().get::<_, i32>(0);
    let next = "UPDATE identkit.store SET version = version + 1; UPDATE identkit_keys.store SET version = version + 1";
    client.batch_execute(next).await.unwrap();
    let before = version().await;
    let engine = engine(&url).await;
    engine.add_key(b"name", b"value".to_vec()).await.unwrap();
    assert_eq!(version().await, before);
    client.batch_execute(next).await.unwrap();
    assert!(refused(&url).await.to_string().contains("later release"));
}

#[tokio::test]
async fn keys_without_data_belong_to_the_next_data() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let store = Store::open(engine(&url).await, key()).await.unwrap();
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    connect(&url).await.batch_execute("DROP SCHEMA identkit CASCADE").await.unwrap();
    let store = Store::open(engine(&url).await, key()).await.unwrap();
    assert_eq!((all(&store).await.len(), store.remove_unused_keys().await.unwrap()), (0, 1));
}

#[tokio::test]
async fn a_user_without_privileges_opens_empty_schemas() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let setup = "CREATE ROLE service LOGIN; CREATE SCHEMA identkit AUTHORIZATION service; \
        CREATE SCHEMA identkit_keys AUTHORIZATION service";
    connect(&url).await.batch_execute(setup).await.unwrap();
    let url = url.replace("//identkit:", "//service:");
    for _ in 0..2 {
        engine(&url).await;
    }
    let other = server.database().await.replace("//identkit:", "//service:");
    assert!(refused(&other).await.to_string().contains("lacks a privilege"));
}
