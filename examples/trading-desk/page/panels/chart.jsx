import { useEffect, useRef } from 'preact/hooks'
import { DrawnChart } from '../drawn-chart.js'
import { describeFeed, formatChange, formatDecimal, formatTime } from '../format.js'
import { Panel } from './panel.jsx'

/** @import { Candle } from '../../streams.js' */
/** @import { ChartData } from '../chart-data.js' */
/** @import { Desk } from '../desk.js' */

const CANDLES_IN_WORDS = 8

/** @param {{ desk: Desk }} props */
export function ChartPanel({ desk }) {
  const { shown } = desk
  const { decimals } = desk.definitionOf(shown)
  const data = desk.charts.get(shown)
  const price = desk.quotes.get(shown)?.price
  const isOld = desk.feeds.has(shown)
  return (
    <Panel id="chart" title={shown} help={<Help seconds={desk.setup.candleSeconds} />} aside={(
      <p class={isOld ? 'headline outdated' : 'headline'}>
        <strong>{formatDecimal(price?.last, decimals)}</strong>
        {isOld ? <span>old</span> : <span class={price && price.change < 0 ? 'down' : 'up'}>{price ? formatChange(price.change) : ''}</span>}
        <span class="quote">
          Bid <b>{formatDecimal(price?.bid, decimals)}</b> Ask <b>{formatDecimal(price?.ask, decimals)}</b>
        </span>
      </p>
    )}>
      {desk.isHeard(shown)
        ? <CandleChart key={shown} symbol={shown} decimals={decimals} data={data} />
        : <p class="canvas empty">Nothing is heard of {shown}: tick it in the market.</p>}
      <FeedSwitch desk={desk} symbol={shown} />
      <details>
        <summary>The latest candles in figures</summary>
        <CandleTable candles={data?.candles.slice(-CANDLES_IN_WORDS) ?? []} decimals={decimals} />
      </details>
    </Panel>
  )
}

/** @param {{ desk: Desk, symbol: string }} props */
function FeedSwitch({ desk, symbol }) {
  const status = desk.feeds.get(symbol)
  return (
    <div class="switch">
      <button
        type="button" role="switch" aria-checked={status === 'ERROR'}
        disabled={!desk.isHeard(symbol)} onClick={() => desk.flipFeed(symbol)}
      >
        <span class="knob" aria-hidden="true" />
        Feed down
      </button>
      <p>{status ? describeFeed(symbol, status) : `The feed of ${symbol} is up.`}</p>
    </div>
  )
}

/** @param {{ symbol: string, decimals: number, data: ChartData | undefined }} props */
function CandleChart({ symbol, decimals, data }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null))
  const drawn = useRef(/** @type {DrawnChart | undefined} */ (undefined))
  useEffect(() => {
    const chart = new DrawnChart(/** @type {HTMLDivElement} */ (box.current), decimals)
    drawn.current = chart
    return () => chart.remove()
  }, [])
  useEffect(() => drawn.current?.show(data))
  return <div ref={box} class="canvas" role="img" aria-label={`Candles of ${symbol}`} />
}

/** @param {{ candles: readonly Candle[], decimals: number }} props */
function CandleTable({ candles, decimals }) {
  return (
    <table>
      <thead>
        <tr>{['Time', 'Open', 'High', 'Low', 'Close'].map((name) => <th key={name} scope="col" class="number">{name}</th>)}</tr>
      </thead>
      <tbody>
        {candles.map(([seconds, ...prices]) => (
          <tr key={seconds}>
            <th scope="row" class="number">{formatTime(seconds * 1000)}</th>
            {prices.map((price, index) => <td key={index} class="number">{formatDecimal(price, decimals)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** @param {{ seconds: number }} props */
function Help({ seconds }) {
  return (
    <>
      <p>
        Each candle is {seconds} seconds: the body spans its first and last price, the line its highest and lowest; green rose, red
        fell.
      </p>
      <p>
        As one begins to listen, the page asks for the history: the candles that come go on from there. Each message has the latest
        two whole, so that what a slow tab skips is put right by the next. Where more is missing, the page asks again.
      </p>
      <p>The switch cuts the feed of the symbol, for everybody. The server says so to all who hear of it, and to whoever begins to.</p>
    </>
  )
}
