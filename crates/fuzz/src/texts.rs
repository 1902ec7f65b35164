//! Short texts: URLs, dates, Base64, networks, proxy exceptions, pins, ids.

use identkit_identify24::messages::LocalDateTime;
use identkit_identity_tm::OrderId;
use identkit_transport::BaseUrl;
use identkit_transport::http::{Pin, ProxyExceptions};
use identkit_webhook::AllowList;
use identkit_wire::url::WebUrl;
use identkit_wire::{Dts, decode_base64, decode_base64_lenient, encode_base64};

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = identkit_wire::text::decode(input) else { return };
    let dts = Dts::parse(text);
    let _ = (dts.timestamp(), LocalDateTime::parse(text));
    if let Ok(id) = OrderId::parse(text) {
        assert_eq!(id.expose(), text.trim(), "only blanks around an id are removed");
    }
    let _ = WebUrl::parse(text).map(|url| format!("{url:?}"));
    let _ = BaseUrl::parse(text).map(|url| format!("{url:?}"));
    let _ = ProxyExceptions::parse(text);
    let _ = Pin::parse(text);
    let _ = AllowList::parse(text.split(','));
    if let Ok(bytes) = decode_base64(text) {
        assert_eq!(decode_base64(&encode_base64(&bytes)).as_deref(), Ok(&*bytes));
        assert_eq!(decode_base64_lenient(text).as_deref(), Ok(&*bytes));
    }
}
