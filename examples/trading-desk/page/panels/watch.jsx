import { formatChange, formatDecimal } from '../format.js'
import { Panel } from './panel.jsx'

/** @import { InstrumentDefinition } from '../../market/instrument.js' */
/** @import { Desk } from '../desk.js' */

/** @param {{ desk: Desk }} props */
export function WatchPanel({ desk }) {
  return (
    <Panel id="watch" title="Market" help={<Help user={desk.user} />}>
      <table>
        <thead>
          <tr>
            <th scope="col">Symbol</th>
            <th scope="col" class="number">Price</th>
            <th scope="col" class="number">Change</th>
            <th scope="col" class="tick">This tab</th>
            <th scope="col" class="tick">All tabs</th>
          </tr>
        </thead>
        <tbody>
          {desk.setup.instruments.map((instrument) => <Row key={instrument.symbol} desk={desk} instrument={instrument} />)}
        </tbody>
      </table>
      <p class="unseen" role="status">{desk.feedNews || null}</p>
    </Panel>
  )
}

/** @param {{ desk: Desk, instrument: InstrumentDefinition }} props */
function Row({ desk, instrument: { symbol, decimals } }) {
  const quote = desk.quotes.get(symbol)
  const isOld = desk.feeds.has(symbol)
  return (
    <tr class={`${desk.shown === symbol ? 'shown' : ''} ${isOld ? 'outdated' : ''}`}>
      <th scope="row">
        <button type="button" aria-pressed={desk.shown === symbol} onClick={() => desk.show(symbol)}>{symbol}</button>
      </th>
      <td class={`number price ${isOld ? '' : quote?.direction ?? ''}`}>
        {/* A new element with each move, so that it lights up anew. */}
        <span key={quote?.moves ?? 0} class={quote?.moves && !isOld ? 'moved' : undefined}>{formatDecimal(quote?.price.last, decimals)}</span>
      </td>
      {isOld ? <OldCell /> : <ChangeCell change={quote?.price.change} />}
      <td class="tick">
        <input
          type="checkbox" aria-label={`${symbol} in this tab`}
          checked={desk.isPicked(symbol, 'connection')} onChange={() => desk.toggle(symbol, 'connection')}
        />
      </td>
      <td class="tick">
        <input
          type="checkbox" aria-label={`${symbol} in all tabs of ${desk.user}`}
          checked={desk.isPicked(symbol, 'user')} onChange={() => desk.toggle(symbol, 'user')}
        />
      </td>
    </tr>
  )
}

/** @param {{ change: number | undefined }} props */
function ChangeCell({ change }) {
  if (change === undefined) return <td class="number">–</td>
  return <td class={`number ${change > 0 ? 'up' : change < 0 ? 'down' : ''}`}>{formatChange(change)}</td>
}

/** Says in words what the grey says. */
function OldCell() {
  return <td class="number">old <span class="unseen">(its feed is down)</span></td>
}

/** @param {{ user: string }} props */
function Help({ user }) {
  return (
    <>
      <p>
        Tick a symbol to hear of it: its price, book, candles and trades. A symbol that nothing is ticked for costs nothing, as
        nothing of it is sent.
      </p>
      <p>
        <b>This tab</b> is for this page alone. <b>All tabs</b> is for every tab that {user} has and will have: a private stream tells
        them, and each subscribes itself.
      </p>
      <p>Where both are ticked, each message still comes once.</p>
      <p>A price is grey, and said to be old, while the server says that its feed is down. Cut a feed below the chart, and see.</p>
    </>
  )
}
