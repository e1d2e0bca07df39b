//! What [`crate::OrderTimeout`] finds, found without a pattern: by a function with state and timers.
//!
//! Apart from the lesson because it is what a pattern saves.

use crate::order_timeout::{PAY_WITHIN_MS, paid, timed_out};
use crate::payments::{OrderEvent, OrderStep};
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;

/// Says of each order whether it was paid in time.
///
/// What happens to an order waits until event time has come to it: a payment that is read before its order
/// is judged after it, and nobody is told of a time-out while the payment is under way.
#[derive(Default)]
pub(crate) struct OpenOrders {
    orders: ValueState<u64, Order>,
}

/// An order.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Order {
    /// What has happened to it, as far as event time has not come to it yet.
    waiting: Vec<OrderEvent>,
    /// When it was created, unless it has been paid or its time is over. Nobody promises that an order is
    /// created once only.
    unpaid: Vec<Timestamp>,
}

impl KeyedProcess for OpenOrders {
    type Key = u64;
    type In = OrderEvent;
    type Out = String;

    fn process(
        &mut self,
        order: Keyed<'_, u64>,
        event: OrderEvent,
        ctx: &mut KeyedContext<'_, u64, String>,
    ) -> Result<(), BoxError> {
        let at = event.timestamp();
        if at <= ctx.watermark() {
            // What came after it has been judged already.
            ctx.late(None, event);
            return Ok(());
        }
        ctx.register_timer(TimeDomain::Event, at);
        if event.step == OrderStep::Create {
            ctx.register_timer(TimeDomain::Event, at.plus(PAY_WITHIN_MS));
        }
        self.orders.get_or_insert_with(order, Order::default).waiting.push(event);
        Ok(())
    }

    fn on_timer(
        &mut self,
        order: Keyed<'_, u64>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, u64, String>,
    ) -> Result<(), BoxError> {
        let Some(Order { waiting, unpaid }) = self.orders.get_mut(order) else { return Ok(()) };
        // A payment in this very moment is too late.
        let is_over = |created: &mut Timestamp| created.plus(PAY_WITHIN_MS) <= timer.at;
        for created in unpaid.extract_if(.., is_over) {
            ctx.emit(timed_out(*order.key, [created, timer.at].into_iter()));
        }
        let is_due = |event: &mut OrderEvent| event.timestamp() <= timer.at;
        let mut due: Vec<OrderEvent> = waiting.extract_if(.., is_due).collect();
        due.sort_by_key(|event| event.step);
        for event in due {
            match event.step {
                OrderStep::Create => unpaid.push(timer.at),
                OrderStep::Pay => {
                    for created in unpaid.drain(..) {
                        ctx.emit(paid(*order.key, [created, timer.at].into_iter()));
                    }
                }
            }
        }
        if waiting.is_empty() && unpaid.is_empty() {
            self.orders.remove(order);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("orders", &mut self.orders);
    }
}
