import { isOpen } from '../../orders/order.js'
import { formatDecimal, formatQuantity, formatSeconds } from '../format.js'
import { Panel } from './panel.jsx'

/** @import { Order, Side } from '../../streams.js' */
/** @import { Desk } from '../desk.js' */

/** @param {{ desk: Desk }} props */
export function OrdersPanel({ desk }) {
  const orders = [...desk.orders.values()].reverse()
  return (
    <Panel id="orders" title={`Orders of ${desk.user}`} help={<Help desk={desk} />}>
      <OrderForm desk={desk} isReady={desk.link.state === 'connected'} />
      <p class="unseen" role="status">{desk.orderNews || null}</p>
      {/* What scrolls can be scrolled by key as well. */}
      <div class="list" tabindex={0} role="region" aria-label="List of orders">
        {orders.length === 0 && <p class="empty">No orders yet.</p>}
        <ul>{orders.map((order) => <OrderRow key={order.id} order={order} desk={desk} />)}</ul>
      </div>
    </Panel>
  )
}

/** @param {{ desk: Desk, isReady: boolean }} props */
function OrderForm({ desk, isReady }) {
  const { shown } = desk
  return (
    <form aria-label={`Order ${shown}`} onSubmit={(event) => submit(event, desk)}>
      <fieldset class="sides">
        <legend class="unseen">Side</legend>
        <label class="up"><input type="radio" name="side" value="buy" defaultChecked /><span>Buy</span></label>
        <label class="down"><input type="radio" name="side" value="sell" /><span>Sell</span></label>
      </fieldset>
      <label>Quantity<input name="quantity" type="number" min="0" step="any" required defaultValue="1" inputmode="decimal" /></label>
      <label>
        Limit
        <input name="limit" type="number" min="0" step="any" inputmode="decimal" placeholder="at market" />
      </label>
      <button type="submit" class="primary" disabled={!isReady}>Place order for {shown}</button>
    </form>
  )
}

/** @param {{ order: Order, desk: Desk }} props */
function OrderRow({ order, desk }) {
  const { id, symbol, side, quantity, limit, filled, averagePrice, state, abandoned } = order
  const { decimals } = desk.definitionOf(symbol)
  return (
    <li data-id={id}>
      <span class="what">
        <b class={side === 'buy' ? 'up' : 'down'}>{side}</b> {formatQuantity(quantity)} {symbol}
        <small>{limit === undefined ? 'at market' : `limit ${formatDecimal(limit, decimals)}`}</small>
      </span>
      <span class="state">
        {abandoned ? `${state}: you were gone` : state}
        <small>{filled > 0 ? `${formatQuantity(filled)} at ${formatDecimal(averagePrice, decimals)}` : `order ${id}`}</small>
      </span>
      {isOpen(order) && <button type="button" aria-label={`Cancel order ${id}`} onClick={() => desk.cancel(id)}>Cancel</button>}
    </li>
  )
}

/**
 * @param {SubmitEvent} event
 * @param {Desk} desk
 */
function submit(event, desk) {
  event.preventDefault()
  const given = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))
  const limit = String(given.get('limit'))
  desk.place({
    symbol: desk.shown,
    side: /** @type {Side} */ (given.get('side')),
    quantity: Number(given.get('quantity')),
    limit: limit === '' ? undefined : Number(limit),
  })
}

/** @param {{ desk: Desk }} props */
function Help({ desk: { user, setup: { limits } } }) {
  return (
    <>
      <p>
        Orders are private: each change reaches the tabs of {user}, and nobody else’s. Sign in as another user to see that none is
        there.
      </p>
      <p>
        An order without a limit takes what the book offers; one with a limit waits until the market comes to it. What is offered at
        once may be less than you ask for: then it is partly filled.
      </p>
      <p>
        If no tab of {user} is connected to any node for {formatSeconds(limits.graceMs)}, the server cancels what is open. The list
        says so when {user} is back.
      </p>
      <p>
        What is private is never given up, and leaves first when a slow tab has room again. After a reconnect the server sends what
        was missed. If it cannot, the page asks for the whole list.
      </p>
    </>
  )
}
