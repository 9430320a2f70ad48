import { formatCount, formatDelay } from '../format.js'
import { Figure } from './figure.jsx'
import { Panel } from './panel.jsx'

/** @import { Desk } from '../desk.js' */

/** @param {{ desk: Desk }} props */
export function TabPanel({ desk }) {
  const { tally, ownFacts, setup: { limits } } = desk
  const isSlow = ownFacts?.slow === true
  return (
    <Panel id="tab" title="This tab" help={<Help desk={desk} />}>
      <div class="switch">
        <button id="slow" type="button" role="switch" aria-checked={isSlow} onClick={() => desk.beSlow(!isSlow)}>
          <span class="knob" aria-hidden="true" />
          Slow
        </button>
        <p>{isSlow ? `Its line lets ${formatCount(limits.slowBytesPerSecond)} bytes a second through.` : 'Its line lets everything through.'}</p>
      </div>
      <dl>
        <Figure name="Received">{formatCount(tally.received)}</Figure>
        <Figure name="A second">{formatCount(tally.perSecond)}</Figure>
        <Figure name="Age of a price as it comes" isTelling={(tally.delayMs ?? 0) > 300}>{formatDelay(tally.delayMs)}</Figure>
        <Figure name="Conflated into a newer one" isTelling={tally.conflated > 0}>{formatCount(tally.conflated)}</Figure>
        <Figure name="Trades missed, and told" isTelling={tally.told > 0}>{formatCount(tally.told)}</Figure>
        <Figure name="Trades missed, and not told" isTelling={tally.unexplained > 0}>{formatCount(tally.unexplained)}</Figure>
        <Figure name="State" isTelling={ownFacts?.behind === true}>{ownFacts?.behind ? 'behind' : 'keeps up'}</Figure>
      </dl>
    </Panel>
  )
}

/** @param {{ desk: Desk }} props */
function Help({ desk: { setup: { limits, trades } } }) {
  return (
    <>
      <p>
        The switch puts a real brake on this tab: the server passes its bytes on at {formatCount(limits.slowBytesPerSecond)} a second,
        as a poor network would. Nothing else is told to go slow, and nothing is thrown away for show.
      </p>
      <p>
        Once {formatCount(limits.softLimitBytes)} bytes are on their way, messages wait with the manager: of prices, books and candles the
        newest alone, of trades all. When more than {formatCount(limits.hardLimitBytes)} characters
        wait, {trades === 'drop' ? 'the oldest trades go, and the tape says how many' : 'the tab is cut off, as trades are kept here'}.
      </p>
      <p>
        So a price is a second or two old as it comes, however long the tab stays slow. Prices and trades are numbered: that is how
        this page counts what was conflated, and checks that no trade is missing without a word.
      </p>
    </>
  )
}
