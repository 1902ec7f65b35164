//! identity.TM's server side, after the Customer Services API document 2.10c.

mod banks;
mod checks;
mod documents;
mod examples;
mod facts;
mod feed;
mod lookup;
mod media;
mod methods;
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
mod views;

use identkit_identity_tm::{
    CancelOrder, CheckSignmeUser, ConfirmSign, DelIdentData, GetAllStatus, GetAllStatusExtended, GetBankList,
    GetESignHash, GetESignPdf, GetIdentData, GetIdentDataInitial, GetIdentDataMethod, GetIdentDataPdf,
    GetIdentDataSigned, GetStatus, GetStatusExtended, GetVideo, GetVoiceFiles, PutOrder, RequestResendSignTan,
    RequestSign, RequestVideo, ServerStatus,
};

#[cfg(feature = "server")]
pub(super) use self::facts::BASE_PATH;
pub use self::results::unseal;
pub use self::scenarios::SCENARIOS;
pub use self::settings::{Feature, GiroKey, HashShape, ListShape, Service, Settings, Unit};

use self::documents::IdentVariant;
use self::facts::FACTS;
use self::orders::Orders;
use self::placing::put_order;
use self::reading::{delete, ident_data, report, server_status, signed_pdfs, status};
use crate::World;
use crate::vendor::Route;
#[cfg(feature = "server")]
use crate::vendors::schemas::VendorSchemas;

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
        /// The route of a call about an order.
        macro_rules! of_order {
            ($new:ident::<$operation:ty>, $handler:expr) => {
                Route::$new::<$operation>(&FACTS, |op| Some(op.order_id.expose().to_owned()), $handler)
            };
        }
        let routes = vec![
            Route::new::<PutOrder>(&FACTS, |_| None, put_order),
            of_order!(new::<GetStatusExtended>, |world, op| status(world, &op.order_id, true)),
            of_order!(new::<GetStatus>, |world, op| status(world, &op.order_id, false)),
            of_order!(responding::<GetIdentDataInitial>, |world, op| {
                ident_data(world, &op.order_id, IdentVariant::InitialData)
            }),
            of_order!(responding::<GetIdentDataMethod>, |world, op| {
                ident_data(world, &op.order_id, IdentVariant::IdentifyMethod)
            }),
            of_order!(new::<GetIdentDataSigned>, reuse::signed),
            of_order!(responding::<GetIdentData>, |world, op| ident_data(world, &op.order_id, IdentVariant::Default)),
            of_order!(new::<GetIdentDataPdf>, report),
            of_order!(new::<GetESignPdf>, signed_pdfs),
            of_order!(new::<RequestVideo>, media::request),
            of_order!(new::<GetVideo>, media::video),
            of_order!(responding::<GetVoiceFiles>, media::voice),
            of_order!(new::<DelIdentData>, delete),
            of_order!(responding::<GetESignHash>, signing::hashes),
            of_order!(new::<CancelOrder>, signing::cancel),
            of_order!(new::<RequestSign>, signing::request),
            of_order!(new::<ConfirmSign>, signing::confirm),
            of_order!(new::<RequestResendSignTan>, signing::resend),
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

/// The schemas of what the vendor writes into the admin API.
#[cfg(feature = "server")]
pub(super) fn schemas() -> VendorSchemas {
    VendorSchemas::new::<Orders, views::CaseView>(identkit_identity_tm::PROVIDER)
}
