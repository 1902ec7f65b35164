//! A status list that is decoded one order at a time.

use bytes::Bytes;
use http::StatusCode;
use identkit_core::Error;
use identkit_wire::{Operation, debug_as, json, operation};

use super::get_all_status::read_list;
use super::{GetAllStatus, GetAllStatusExtended};
use crate::Dialect;
use crate::messages::{ListedOrder, OrderList};

/// Any form of `getAllStatus` whose list is not decoded at once. Example: `Unread(GetAllStatusExtended::new(period))`.
///
/// The destructive forms are excluded: the vendor sends their list once, and it would be lost if decoding failed halfway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread<Op>(pub Op);

/// The encoded body of a status list.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UnreadList(Bytes);

debug_as!(UnreadList, |list| "UnreadList({} bytes)", list.0.len());

impl UnreadList {
    /// Calls `each` for every order. In addition to the body, only one order is in memory.
    ///
    /// # Errors
    /// [`Kind::Protocol`](identkit_core::Kind::Protocol) if the body is not a list. `each` was then called for the
    /// orders before the error.
    pub fn for_each(&self, each: impl FnMut(ListedOrder)) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut passed = 0;
        let mut each = each;
        let read = OrderList::for_each(&self.0, |order| {
            passed += 1;
            each(order);
        });
        if read.is_ok() {
            return Ok(());
        }
        // The list differs from the document, so it is read at once; the first orders were passed already.
        let list = read_list(&self.0)?.value.0;
        list.into_iter().skip(passed).for_each(each);
        Ok(())
    }
}

mod sealed {
    /// A form of `getAllStatus` that may be repeated.
    pub trait Repeatable {}
    impl Repeatable for super::GetAllStatus {}
    impl Repeatable for super::GetAllStatusExtended {}
}

operation! {
    impl Unread<Op> where [Op: Operation<Output = OrderList, Dialect = Dialect> + sealed::Repeatable];
    meta: *Op::META, output: UnreadList, dialect: Dialect,
    params: |this| this.0.path_params(),
    encode: |this, dialect| this.0.encode(dialect),
    decode: |_, head, body, _| {
        // Nothing new (AT-07). An empty body with status 200 is an error.
        if head.status == StatusCode::NOT_MODIFIED {
            return Ok(UnreadList::default().into());
        }
        let bytes = body.whole()?;
        if bytes.is_empty() {
            return json::read::<OrderList>(&bytes)
                .map(|_| UnreadList::default().into())
                .map_err(json::JsonFault::answer);
        }
        Ok(UnreadList(bytes).into())
    },
    request[Op: identkit_wire::ServedOperation<Output = OrderList, Dialect = Dialect> + sealed::Repeatable]:
        |params, request| Op::decode_request(params, request).map(Self),
    respond: |output| {
        let mut list = OrderList::default();
        output.for_each(|order| list.0.push(order))?;
        Op::encode_response(list)
    },
}
