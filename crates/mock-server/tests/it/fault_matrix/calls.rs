//! How the clients make each call, and about which case.

use crate::matrix::About;
use crate::support::*;
use identkit_identify24::operations::{GetAllProjects, GetIdent, GetProject, Login};
use identkit_wire::{Dts, Meta, Operation as _};
use serde::Serialize;

/// The clients of a cell.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) tm: IdentityTm,
    pub(crate) identify24: Identify24,
}

/// The result of a call as text, to compare two results.
pub(crate) type Came = Result<String, Error>;

type Make = fn(Clients, String, String) -> BoxFuture<'static, Came>;

pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) meta: &'static Meta,
    pub(crate) about: About,
    /// Whether the response is arbitrary bytes, whose completeness cannot be checked.
    pub(crate) bytes: bool,
    /// Makes the call about this case, with this TAN.
    pub(crate) make: Make,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

async fn read(content: Content) -> Came {
    content.collect(64 * 1024 * 1024).await.map(|bytes| encode_base64(&bytes))
}

fn id(text: &str) -> OrderId {
    OrderId::new(text)
}

/// A period since this time. With the start time of the test, it excludes the example orders.
fn since(begin: &str) -> Period {
    Period::default().begin(Dts::parse(begin)).end(Dts::parse("2100-01-01T00:00:00+00:00"))
}

const EVER: &str = "2000-01-01T00:00:00+00:00";
const OURS: &str = "2020-09-10T12:30:00+00:00";

/// Returns a row for each call; two for calls that are read in two ways.
pub(crate) fn calls() -> Vec<Call> {
    fn call(name: &'static str, meta: &'static Meta, about: About, make: Make) -> Call {
        let bytes = ["getIdentData/Signed", "getIdentDataPDF", "getESignPDF", "getVideoFileBinary"].contains(&name);
        Call { name, meta, about, bytes, make }
    }
    use options as o;
    macro_rules! made {
        ($meta:expr, $about:ident, |$c:ident, $id:ident, $tan:ident| $make:expr) => {
            call($meta.name, $meta, About::$about, |$c, $id, $tan| {
                let _ = (&$id, &$tan);
                Box::pin(async move { $make })
            })
        };
        ($name:literal, $meta:expr, $about:ident, |$c:ident, $id:ident, $tan:ident| $make:expr) => {
            Call { name: $name, ..made!($meta, $about, |$c, $id, $tan| $make) }
        };
    }
    vec![
        made!(PutOrder::META, Nothing, |c, _id, _tan| {
            c.tm.put_order(&order(), &o()).await.map(|placed| placed.value.order_id.expose().to_owned())
        }),
        made!(GetStatus::META, Positive, |c, i, _t| c
            .tm
            .status_general(&id(&i), &o())
            .await
            .map(|a| as_json(&a.value))),
        made!(GetStatusExtended::META, Positive, |c, i, _t| c
            .tm
            .status(&id(&i), &o())
            .await
            .map(|a| as_json(&a.value))),
        made!(GetIdentData::META, Positive, |c, i, _t| c.tm.ident_data(&id(&i), &o()).await.map(|a| as_json(&a.value))),
        made!(GetIdentDataInitial::META, Positive, |c, i, _t| {
            c.tm.ident_data_with_initial(&id(&i), &o()).await.map(|a| as_json(&a.value))
        }),
        made!(GetIdentDataMethod::META, Positive, |c, i, _t| {
            c.tm.ident_data_with_method(&id(&i), &o()).await.map(|a| as_json(&a.value))
        }),
        made!(GetIdentDataSigned::META, Positive, |c, i, _t| {
            c.tm.ident_data_signed(&id(&i), &o()).await.map(|a| encode_base64(&a.value.0))
        }),
        made!(GetIdentDataPdf::META, Positive, |c, i, _t| {
            match c.tm.ident_data_pdf(&id(&i), &o()).await {
                Ok(answered) => read(answered.value).await,
                Err(error) => Err(error),
            }
        }),
        made!(GetESignPdf::META, Signed, |c, i, _t| {
            match c.tm.signed_pdfs(&id(&i), &o()).await?.value {
                SignedPdfs::One(content) => read(content).await,
                SignedPdfs::Many(many) => Ok(format!("{many:?}")),
            }
        }),
        made!(GetESignHash::META, Hashed, |c, i, _t| c
            .tm
            .signed_hashes(&id(&i), &o())
            .await
            .map(|a| as_json(&a.value))),
        made!(RequestVideo::META, Positive, |c, i, _t| {
            let url = Secret::new("https://hooks.example/identity-tm/t0ken/Video");
            c.tm.request_video(&id(&i), &url, &o()).await.map(|_| String::new())
        }),
        made!(GetVideo::META, Positive, |c, i, _t| {
            match c.tm.video(&VideoReady::force(id(&i)), &o()).await {
                Ok(answered) => read(answered.value.content).await,
                Err(error) => Err(error),
            }
        }),
        made!(GetVoiceFiles::META, Positive, |c, i, _t| c
            .tm
            .voice_files(&id(&i), &o())
            .await
            .map(|a| as_json(&a.value))),
        made!(DelIdentData::META, Positive, |c, i, _t| {
            c.tm.delete_ident_data(&id(&i), &o()).await.map(|_| String::new())
        }),
        made!(CancelOrder::META, Open, |c, i, _t| c.tm.cancel_order(&id(&i), &o()).await.map(|_| String::new())),
        made!(RequestSign::META, Identified, |c, i, _t| c.tm.request_sign(&id(&i), &o()).await.map(|_| String::new())),
        made!(ConfirmSign::META, Begun, |c, i, t| {
            c.tm.confirm_sign(&id(&i), &Secret::new(t), &o()).await.map(|_| String::new())
        }),
        made!(RequestResendSignTan::META, Begun, |c, i, _t| {
            c.tm.resend_tan(&id(&i), &o()).await.map(|_| String::new())
        }),
        made!(GetBankList::META, Nothing, |c, _i, _t| c.tm.banks(&o()).await.map(|a| as_json(&a.value))),
        made!(CheckSignmeUser::META, Nothing, |c, _i, _t| {
            c.tm.signme_user(&"e.mustermann@example.com".into(), &o()).await.map(|a| as_json(&a.value))
        }),
        made!(GetAllStatus::META, Positive, |c, _i, _t| {
            c.tm.call(&GetAllStatus::new(since(OURS)), &o()).await.map(|a| as_json(&a.value.0))
        }),
        made!(GetAllStatusExtended::META, Positive, |c, _i, _t| {
            c.tm.call(&GetAllStatusExtended::new(since(OURS)), &o()).await.map(|a| as_json(&a.value.0))
        }),
        made!("getAllStatus, draining", DrainUnreported::META, Positive, |c, _i, _t| {
            c.tm.call(&DrainUnreported, &o()).await.map(|a| as_json(&a.value.0))
        }),
        made!("getAllStatus/ExtendedList, draining", DrainUnreportedExtended::META, Positive, |c, _i, _t| {
            c.tm.drain_unreported(&o()).await.map(|list| as_json(&list.value.0))
        }),
        made!(ServerStatus::META, Nothing, |c, _i, _t| c.tm.server_status(&o()).await.map(|_| String::new())),
        made!(Login::META, Nothing, |c, _i, _t| c.identify24.login(&o()).await.map(|_| String::new())),
        made!(CreateIdent::META, Nothing, |c, _i, _t| {
            let created = c.identify24.create_ident(&ident(), &o()).await?.value;
            Ok(created.ident_id.map(|id| id.expose().to_owned()).unwrap_or_default())
        }),
        made!(GetIdent::META, Ident, |c, i, _t| {
            c.identify24.get_ident(&IdentId::from(i), &o()).await.map(|a| as_json(&a.value))
        }),
        made!(GetAllProjects::META, Nothing, |c, _i, _t| c.identify24.projects(&o()).await.map(|a| as_json(&a.value))),
        made!(GetProject::META, Nothing, |c, _i, _t| c
            .identify24
            .project(&"6".into(), &o())
            .await
            .map(|a| as_json(&a.value))),
    ]
}

/// Returns the number of orders of the current day.
pub(crate) async fn all_orders(clients: &Clients) -> Result<usize, Error> {
    clients.tm.call(&GetAllStatusExtended::new(since(EVER)), &options()).await.map(|answered| answered.value.0.len())
}

/// The world of a call and its case.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) world: World,
    pub(crate) case: String,
    pub(crate) tan: String,
    /// The result of the call without a fault.
    pub(crate) read: String,
}

impl Prepared {
    /// Prepares the world. Images are optional because drawing them is slow.
    pub(crate) async fn of(call: &Call, images: bool) -> Self {
        let bench = Harness::listing_examples();
        bench.set_up(|settings| (settings.voice_files, settings.images) = (true, images));
        // Later than the example orders.
        bench.clock.advance(HOUR).await;
        let case = bench.about(call.about).await;
        let tan = match call.about {
            About::Begun => bench.tan(&case),
            _ => String::new(),
        };
        let world = bench.sandbox.snapshot();
        let copy = Harness::since(world.now, |builder| builder.world(world.clone()));
        let clients = Clients { tm: copy.tm(), identify24: copy.identify24(&copy.clock) };
        let read = (call.make)(clients, case.clone(), tan.clone()).await;
        let read = read.unwrap_or_else(|error| panic!("{} without a fault: {error}", call.name));
        Self { world, case, tan, read }
    }
}
