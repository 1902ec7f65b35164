//! identity.TM's server side, after the Customer Services API document 2.10c.

mod checks;
mod documents;
mod examples;
mod feed;
mod lookup;
mod media;
mod multi_sign;
mod orders;
mod paths;
mod placing;
mod reading;
mod refusals;
mod results;
mod reuse;
mod saved;
mod settings;
mod shapes;
mod signing;
mod stories;
mod vendor;
mod views;
mod ways;

use identkit_identity_tm::{
    CancelOrder, CheckSignmeUser, ConfirmSign, DelIdentData, GetAllStatus, GetAllStatusExtended, GetBankList,
    GetESignHash, GetESignPdf, GetIdentData, GetIdentDataInitial, GetIdentDataMethod, GetIdentDataPdf,
    GetIdentDataSigned, GetStatus, GetStatusExtended, GetVideo, GetVoiceFiles, OrderId, PutOrder, RequestResendSignTan,
    RequestSign, RequestVideo, ServerStatus,
};

pub use self::results::unseal;
pub use self::settings::{Feature, GiroKey, HashShape, ListShape, Service, Settings, Unit};
pub use self::stories::STORIES;
#[cfg(feature = "server")]
pub(crate) use self::views::{AccountView, CaseView};

use self::documents::IdentVariant;
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
        // Paths without regard to case: the document itself spells delIdentdata in two ways (AT-09).
        let routes = vec![
            Route::of::<PutOrder>(true, |_| None, put_order),
            Route::of::<GetStatusExtended>(true, |op| id(&op.order_id), |world, op| status(world, &op.order_id, true)),
            Route::of::<GetStatus>(true, |op| id(&op.order_id), |world, op| status(world, &op.order_id, false)),
            Route::answering::<GetIdentDataInitial>(
                true,
                |op| id(&op.order_id),
                |world, op| ident_data(world, &op.order_id, IdentVariant::InitialData),
            ),
            Route::answering::<GetIdentDataMethod>(
                true,
                |op| id(&op.order_id),
                |world, op| ident_data(world, &op.order_id, IdentVariant::IdentifyMethod),
            ),
            Route::of::<GetIdentDataSigned>(true, |op| id(&op.order_id), reuse::signed),
            Route::answering::<GetIdentData>(
                true,
                |op| id(&op.order_id),
                |world, op| ident_data(world, &op.order_id, IdentVariant::Default),
            ),
            Route::of::<GetIdentDataPdf>(true, |op| id(&op.order_id), report),
            Route::of::<GetESignPdf>(true, |op| id(&op.order_id), signed_pdfs),
            Route::of::<RequestVideo>(true, |op| id(&op.order_id), media::request),
            Route::of::<GetVideo>(true, |op| id(&op.order_id), media::video),
            Route::answering::<GetVoiceFiles>(true, |op| id(&op.order_id), media::voice),
            Route::of::<DelIdentData>(true, |op| id(&op.order_id), delete),
            Route::answering::<GetESignHash>(true, |op| id(&op.order_id), signing::hashes),
            Route::of::<CancelOrder>(true, |op| id(&op.order_id), signing::cancel),
            Route::of::<RequestSign>(true, |op| id(&op.order_id), signing::request),
            Route::of::<ConfirmSign>(true, |op| id(&op.order_id), signing::confirm),
            Route::of::<RequestResendSignTan>(true, |op| id(&op.order_id), signing::resend),
            Route::of::<GetBankList>(true, |_| None, signing::banks),
            Route::of::<CheckSignmeUser>(true, |_| None, signing::signme_user),
            Route::answering::<GetAllStatusExtended>(
                true,
                |_| None,
                |world, op| feed::all_status(world, &op.request, true),
            ),
            Route::answering::<GetAllStatus>(true, |_| None, |world, op| feed::all_status(world, &op.request, false)),
            Route::answering::<ServerStatus>(true, |_| None, |world, _| server_status(world)),
        ];
        Self { routes }
    }
}

/// Changes how the account is set up, as the vendor's support does.
pub fn configure(world: &mut World, change: impl FnOnce(&mut Settings)) {
    change(&mut world.part::<Orders>().settings);
}
