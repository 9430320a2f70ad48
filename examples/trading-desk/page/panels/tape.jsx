import { formatCount, formatDecimal, formatTime } from '../format.js'
import { Panel } from './panel.jsx'

/** @import { InstrumentDefinition } from '../../market/instrument.js' */
/** @import { TapeRow } from '../tape.js' */
/** @import { Desk } from '../desk.js' */

const ROWS_SHOWN = 17

/** @param {{ desk: Desk }} props */
export function TapePanel({ desk }) {
  const rows = desk.tapes.get(desk.shown)?.rows.slice(0, ROWS_SHOWN) ?? []
  const instrument = desk.definitionOf(desk.shown)
  return (
    <Panel id="tape" title="Trades" help={<Help isWhole={desk.setup.trades === 'keep'} />}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Side</th>
            <th scope="col" class="number">Price</th>
            <th scope="col" class="number">Quantity</th>
          </tr>
        </thead>
        {/* Rows keep their places, and what they say moves on: what is there is not to jump. */}
        <tbody>{rows.map((row, place) => <Row key={place} row={row} instrument={instrument} />)}</tbody>
      </table>
    </Panel>
  )
}

/** @param {{ row: TapeRow, instrument: InstrumentDefinition }} props */
function Row({ row, instrument: { decimals, quantityDecimals } }) {
  if (row.type === 'gap') {
    const count = row.missed === undefined ? 'Some' : formatCount(row.missed)
    return <tr class="gap"><td colspan={4}>{count} {row.missed === 1 ? 'trade' : 'trades'} missed</td></tr>
  }
  return (
    <tr class={row.side === 'buy' ? 'up' : 'down'} data-id={row.id}>
      <td>{formatTime(row.atMs)}</td>
      <td>{row.side}</td>
      <td class="number">{formatDecimal(row.price, decimals)}</td>
      <td class="number quantity">{formatDecimal(row.quantity, quantityDecimals)}</td>
    </tr>
  )
}

/** @param {{ isWhole: boolean }} props */
function Help({ isWhole }) {
  return (
    <>
      <p>
        Each trade as it happens, the newest on top. A newer trade does not make an older one worthless, so none takes the place of
        another.
      </p>
      {isWhole
        ? <p>This server keeps every trade for a tab that is slow. They come late, but whole; if too much waits, the tab is cut off.</p>
        : <p>When too much waits for a slow tab, the oldest trades are given up. In their place stands how many there were.</p>}
    </>
  )
}
