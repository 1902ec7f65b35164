//! Common imports of the tests: a test file imports `crate::support::*` and its specific names.

pub(crate) use std::collections::{BTreeMap, BTreeSet};
pub(crate) use std::net::SocketAddr;
pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
pub(crate) use std::sync::{Arc, Mutex};
pub(crate) use std::time::Duration;
pub(crate) use std::{fmt, io};

pub(crate) use bytes::Bytes;
pub(crate) use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
pub(crate) use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
pub(crate) use identkit_core::*;
pub(crate) use identkit_identify24::Identify24;
pub(crate) use identkit_identify24::messages::{CreateIdent, Gender, IdentId};
pub(crate) use identkit_identity_tm::messages::Address;
pub(crate) use identkit_identity_tm::messages::*;
pub(crate) use identkit_identity_tm::*;
pub(crate) use identkit_mock_server::faults::{Fault, InjectedRule, Middle, Rule};
pub(crate) use identkit_mock_server::journal::{EntryKind, Filter};
pub(crate) use identkit_mock_server::server::{Authority, Listener};
pub(crate) use identkit_mock_server::vendors::identity_tm::{Feature, Service, Settings, configure};
pub(crate) use identkit_mock_server::vendors::{identify24, identity_tm};
pub(crate) use identkit_mock_server::worlds::NewWorld;
pub(crate) use identkit_mock_server::*;
pub(crate) use identkit_synthetic::sample_contract;
pub(crate) use identkit_transport::http::{HyperTransport, TlsConfig};
pub(crate) use identkit_transport::{AttemptContext, Failure, Policy, SystemClock, Transport};
pub(crate) use identkit_wire::json::Blob;
pub(crate) use identkit_wire::{Body, Callback, OneOrMany, encode_base64};
pub(crate) use jiff::{SignedDuration, Timestamp};
pub(crate) use serde_json::{Map, Value, json};
pub(crate) use tokio::io::{AsyncReadExt, AsyncWriteExt};
pub(crate) use tokio::net::{TcpListener, TcpStream};
pub(crate) use tokio::sync::Notify;
