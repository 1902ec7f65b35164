//! A status list left as it came, to go through it order by order.

use bytes::Bytes;
use http::{StatusCode, response};
#[cfg(feature = "server")]
use identkit_core::Content;
use identkit_core::Error;
#[cfg(feature = "server")]
use identkit_wire::ServedOperation;
use identkit_wire::{Decoded, Encoded, Meta, Operation, Received, debug_as, json};

use super::{GetAllStatus, GetAllStatusExtended};
use crate::Dialect;
use crate::messages::{ListedOrder, OrderList};

/// Any form of `getAllStatus` whose list is not read into memory: `Unread(GetAllStatusExtended::new(period))`.
///
/// Not for the destructive forms: what they tell is told once, and a list that fails half-way would be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread<Op>(pub Op);

/// The body of a status list.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UnreadList(Bytes);

debug_as!(UnreadList, |list| "UnreadList({} bytes)", list.0.len());

impl UnreadList {
    /// Hands out one order after the other; beside the body it takes the memory of one.
    ///
    /// # Errors
    /// [`Kind::Protocol`](identkit_core::Kind::Protocol) when the body is no list: orders before that place were
    /// handed out.
    pub fn for_each(&self, each: impl FnMut(ListedOrder)) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        OrderList::for_each(&self.0, each).map_err(json::JsonFault::answer)
    }
}

mod sealed {
    /// A form that can be asked again.
    pub trait Repeatable {}
    impl Repeatable for super::GetAllStatus {}
    impl Repeatable for super::GetAllStatusExtended {}
}

impl<Op: Operation<Output = OrderList, Dialect = Dialect> + sealed::Repeatable> Operation for Unread<Op> {
    const META: &'static Meta = Op::META;
    type Output = UnreadList;
    type Dialect = Dialect;

    fn path_params(&self) -> Vec<(&'static str, &str)> {
        self.0.path_params()
    }

    fn encode(&self, dialect: &Dialect) -> Result<Encoded, Error> {
        self.0.encode(dialect)
    }

    fn decode(&self, head: &response::Parts, body: Received, _: &Dialect) -> Result<Decoded<UnreadList>, Error> {
        // Nothing new (AT-07). An empty body under 200 is no list.
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
    }
}

#[cfg(feature = "server")]
impl<Op> ServedOperation for Unread<Op>
where
    Op: ServedOperation<Output = OrderList, Dialect = Dialect> + sealed::Repeatable,
{
    fn decode_request(params: &identkit_wire::Params, request: &http::Request<Bytes>) -> Result<Self, Error> {
        Op::decode_request(params, request).map(Self)
    }

    fn encode_response(output: UnreadList) -> Result<http::Response<Content>, Error> {
        let mut list = OrderList::default();
        output.for_each(|order| list.0.push(order))?;
        Op::encode_response(list)
    }
}
