//! The account's URLs of webhooks and redirects, for orders that set none (T-030).

use identkit_core::Secret;
use identkit_identity_tm::OrderCallback;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::{Order, Settings};

/// The account's URLs of webhooks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "PascalCase")]
#[schemars(rename = "WebhookUrlsOfIdentityTm")]
pub struct WebhookUrls {
    /// Called when the person leaves the video system.
    #[schemars(with = "Option<String>")]
    pub after_video: Option<Secret>,
    /// Called when the identification was conducted.
    #[schemars(with = "Option<String>")]
    pub after_ident: Option<Secret>,
    /// Called when the order is final.
    #[schemars(with = "Option<String>")]
    pub on_final: Option<Secret>,
}

/// The account's URLs of redirects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "PascalCase")]
#[schemars(rename = "RedirectUrlsOfIdentityTm")]
pub struct RedirectUrls {
    /// After success.
    #[schemars(with = "Option<String>")]
    pub success: Option<Secret>,
    /// After failure.
    #[schemars(with = "Option<String>")]
    pub abort: Option<Secret>,
}

/// The addresses to which the person of an order is redirected, with all placeholders filled in.
#[derive(Serialize, schemars::JsonSchema)]
pub(super) struct Redirects {
    /// After success.
    pub(super) success: Option<String>,
    /// After failure.
    pub(super) abort: Option<String>,
}

/// Characters of a placeholder's value that are encoded: all but the unreserved ones (RFC 3986, section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Settings {
    /// Returns the template of a webhook's URL: the order's, or the account's if the order sets none at all.
    pub(super) fn webhook_url<'a>(&'a self, order: &'a Order, callback: OrderCallback) -> Option<&'a Secret> {
        let (after_video, after_ident, on_final) = match &order.request.webhook_url {
            Some(own) if own.after_video.is_some() || own.after_ident.is_some() || own.on_final.is_some() => {
                (&own.after_video, &own.after_ident, &own.on_final)
            }
            _ => (&self.webhook_urls.after_video, &self.webhook_urls.after_ident, &self.webhook_urls.on_final),
        };
        let url = match callback {
            OrderCallback::AfterVideo => after_video,
            OrderCallback::AfterIdent => after_ident,
            OrderCallback::OnFinal => on_final,
        };
        url.as_ref()
    }

    /// Returns the redirects: the order's, or the account's if the order sets none at all.
    pub(super) fn redirects(&self, order: &Order) -> Redirects {
        let (success, abort) = match &order.request.redirect_url {
            Some(own) if own.success.is_some() || own.abort.is_some() => (&own.success, &own.abort),
            _ => (&self.redirect_urls.success, &self.redirect_urls.abort),
        };
        let reference = order.request.reference.as_ref().map_or("", |reference| reference.expose());
        let reference = utf8_percent_encode(reference, ENCODED).to_string();
        let fill = |url: &Option<Secret>| {
            let url = url.as_ref()?.expose();
            Some(url.replace("[OrderID]", order.id.expose()).replace("[Ref]", &reference))
        };
        Redirects { success: fill(success), abort: fill(abort) }
    }
}
