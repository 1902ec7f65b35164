//! identity.TM's server side, after the Customer Services API document 2.10c.

mod banks;
mod checks;
mod documents;
mod examples;
mod facts;
mod feed;
mod lookup;
mod media;
mod multi_sign;
mod orders;
mod paths;
mod placing;
mod reading;
mod rejections;
mod results;
mod reuse;
mod rules;
mod saved;
mod scenarios;
mod settings;
mod shapes;
mod signing;
mod vendor;
mod ways;

use identkit_identity_tm::{
    CancelOrder, CheckSignmeUser, ConfirmSign, DelIdentData, GetAllStatus, GetAllStatusExtended, GetBankList,
    GetESignHash, GetESignPdf, GetIdentData, GetIdentDataInitial, GetIdentDataMethod, GetIdentDataPdf,
    GetIdentDataSigned, GetStatus, GetStatusExtended, GetVideo, GetVoiceFiles, OrderId, PutOrder, RequestResendSignTan,
    RequestSign, RequestVideo, ServerStatus,
};

pub use self::results::unseal;
pub use self::scenarios::STORIES;
pub use self::settings::{Feature, GiroKey, HashShape, ListShape, Service, Settings, Unit};

use self::documents::IdentVariant;
use self::facts::FACTS;
use self::orders::Orders;
use self::placing::put_order;
use self::reading::{delete, ident_data, report, server_status, signed_pdfs, status};
use crate::World;
use crate::vendor::Route;

/// The vendor identity.TM.
#[derive(Debug)]
pub struct IdentityTm {
    routes: Vec<Route>,
}

impl Default for IdentityTm {
    fn default() -> Self {
        Self::new()
    }
}

impl IdentityTm {
    /// The vendor with all calls that the sandbox answers.
    pub fn new() -> Self {
        fn id(order_id: &OrderId) -> Option<String> {
            Some(order_id.expose().to_owned())
        }
        let routes = vec![
            Route::new::<PutOrder>(&FACTS, |_| None, put_order),
            Route::new::<GetStatusExtended>(
                &FACTS,
                |op| id(&op.order_id),
                |world, op| status(world, &op.order_id, true),
            ),
            Route::new::<GetStatus>(&FACTS, |op| id(&op.order_id), |world, op| status(world, &op.order_id, false)),
            Route::responding::<GetIdentDataInitial>(
                &FACTS,
                |op| id(&op.order_id),
                |world, op| ident_data(world, &op.order_id, IdentVariant::InitialData),
            ),
            Route::responding::<GetIdentDataMethod>(
                &FACTS,
                |op| id(&op.order_id),
                |world, op| ident_data(world, &op.order_id, IdentVariant::IdentifyMethod),
            ),
            Route::new::<GetIdentDataSigned>(&FACTS, |op| id(&op.order_id), reuse::signed),
            Route::responding::<GetIdentData>(
                &FACTS,
                |op| id(&op.order_id),
                |world, op| ident_data(world, &op.order_id, IdentVariant::Default),
            ),
            Route::new::<GetIdentDataPdf>(&FACTS, |op| id(&op.order_id), report),
            Route::new::<GetESignPdf>(&FACTS, |op| id(&op.order_id), signed_pdfs),
            Route::new::<RequestVideo>(&FACTS, |op| id(&op.order_id), media::request),
            Route::new::<GetVideo>(&FACTS, |op| id(&op.order_id), media::video),
            Route::responding::<GetVoiceFiles>(&FACTS, |op| id(&op.order_id), media::voice),
            Route::new::<DelIdentData>(&FACTS, |op| id(&op.order_id), delete),
            Route::responding::<GetESignHash>(&FACTS, |op| id(&op.order_id), signing::hashes),
            Route::new::<CancelOrder>(&FACTS, |op| id(&op.order_id), signing::cancel),
            Route::new::<RequestSign>(&FACTS, |op| id(&op.order_id), signing::request),
            Route::new::<ConfirmSign>(&FACTS, |op| id(&op.order_id), signing::confirm),
            Route::new::<RequestResendSignTan>(&FACTS, |op| id(&op.order_id), signing::resend),
            Route::new::<GetBankList>(&FACTS, |_| None, banks::banks),
            Route::new::<CheckSignmeUser>(&FACTS, |_| None, signing::signme_user),
            Route::responding::<GetAllStatusExtended>(
                &FACTS,
                |_| None,
                |world, op| feed::all_status(world, &op.request, true),
            ),
            Route::responding::<GetAllStatus>(
                &FACTS,
                |_| None,
                |world, op| feed::all_status(world, &op.request, false),
            ),
            Route::responding::<ServerStatus>(&FACTS, |_| None, |world, _| server_status(world)),
        ];
        Self { routes }
    }
}

/// Changes how the account is set up, as the vendor's support does.
pub fn configure(world: &mut World, change: impl FnOnce(&mut Settings)) {
    change(&mut world.state::<Orders>().settings);
}
