import { formatDecimal } from '../format.js'
import { Panel } from './panel.jsx'

/** @import { InstrumentDefinition } from '../../market/instrument.js' */
/** @import { Level } from '../../streams.js' */
/** @import { Desk } from '../desk.js' */

const DEPTH = 8

/** @param {{ desk: Desk }} props */
export function BookPanel({ desk }) {
  const { bids = [], asks = [] } = desk.books.get(desk.shown) ?? {}
  const instrument = desk.definitionOf(desk.shown)
  const most = Math.max(...bids.map(sizeOf), ...asks.map(sizeOf), 0)
  const spread = bids[0] && asks[0] ? asks[0][0] - bids[0][0] : undefined
  return (
    <Panel id="book" title="Top of the book" help={<Help />} aside={desk.feeds.has(desk.shown) && <span class="telling">old</span>}>
      <table>
        <thead>
          <tr>
            <th scope="col">Side</th>
            <th scope="col" class="number">Price</th>
            <th scope="col" class="number">Quantity</th>
          </tr>
        </thead>
        <tbody class="down">
          {places.toReversed().map((place) => <Row key={place} side="Ask" level={asks[place]} most={most} instrument={instrument} />)}
        </tbody>
        <tbody class="spread">
          <tr><th scope="row">Spread</th><td class="number">{formatDecimal(spread, instrument.decimals)}</td><td /></tr>
        </tbody>
        <tbody class="up">
          {places.map((place) => <Row key={place} side="Bid" level={bids[place]} most={most} instrument={instrument} />)}
        </tbody>
      </table>
    </Panel>
  )
}

const places = Array.from({ length: DEPTH }, (_, place) => place)

/** @param {{ side: string, level: Level | undefined, most: number, instrument: InstrumentDefinition }} props */
function Row({ side, level, most, instrument: { decimals, quantityDecimals } }) {
  return (
    <tr style={{ '--share': level && most > 0 ? level[1] / most : 0 }}>
      <th scope="row">{side}</th>
      <td class="number">{formatDecimal(level?.[0], decimals)}</td>
      <td class="number quantity">{formatDecimal(level?.[1], quantityDecimals)}</td>
    </tr>
  )
}

/** @param {Level} level */
function sizeOf([, quantity]) {
  return quantity
}

function Help() {
  return (
    <>
      <p>What others offer: asks above, bids below, the best ones in the middle. A bar shows how much there is at a price.</p>
      <p>Each message is the whole top of the book, so that of several a slow tab gets the newest alone, and misses nothing that still counts.</p>
    </>
  )
}
