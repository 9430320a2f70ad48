import { CandlestickSeries, createChart } from 'lightweight-charts'
import { formatDecimal } from './format.js'

/** @import { IChartApi, ISeriesApi, Time } from 'lightweight-charts' */
/** @import { Candle } from '../streams.js' */
/** @import { ChartData } from './chart-data.js' */

/** Wide enough for most prices from the beginning. */
const AXIS_WIDTH = 72
/** The chart's own measure of time is seconds, as if every place were at Greenwich. */
const OFFSET_SECONDS = new Date().getTimezoneOffset() * 60
const isDark = matchMedia('(prefers-color-scheme: dark)')

/** A chart on the page: it is drawn anew for another history, and goes on for the latest candles. */
export class DrawnChart {
  #chart
  #series
  #histories = -1
  /** @type {readonly Candle[]} */
  #candles = []
  #dress = () => {
    this.#chart.applyOptions(look())
    this.#series.applyOptions(candleLook())
  }

  /**
   * @param {HTMLElement} box
   * @param {number} decimals
   */
  constructor(box, decimals) {
    /** @type {IChartApi} */
    this.#chart = createChart(box, { autoSize: true, ...look() })
    this.#chart.applyOptions({
      // What the pointer could do here, the keyboard could not: the figures are below for both.
      handleScroll: false,
      handleScale: false,
      localization: { priceFormatter: (/** @type {number} */ price) => formatDecimal(price, decimals) },
      timeScale: { timeVisible: true, secondsVisible: true, rightOffset: 1, lockVisibleTimeRangeOnResize: true },
    })
    /** @type {ISeriesApi<'Candlestick'>} */
    this.#series = this.#chart.addSeries(CandlestickSeries, {
      borderVisible: false,
      priceFormat: { type: 'price', precision: decimals, minMove: 10 ** -decimals },
    })
    this.#dress()
    isDark.addEventListener('change', this.#dress)
  }

  /** @param {ChartData | undefined} data */
  show(data) {
    if (!data || data.candles === this.#candles) return
    const { candles, histories } = data
    if (histories !== this.#histories) this.#begin(candles)
    // What was drawn may have changed at its end alone.
    else for (const candle of candles) if (candle[0] >= this.#end) this.#series.update(barOf(candle))
    this.#histories = histories
    this.#candles = candles
  }

  /** @param {readonly Candle[]} candles */
  #begin(candles) {
    this.#series.setData(candles.map(barOf))
    this.#chart.timeScale().fitContent()
  }

  get #end() {
    return this.#candles.at(-1)?.[0] ?? -Infinity
  }

  remove() {
    isDark.removeEventListener('change', this.#dress)
    this.#chart.remove()
  }
}

/** @param {Candle} candle */
function barOf([seconds, open, high, low, close]) {
  return { time: /** @type {Time} */ (seconds - OFFSET_SECONDS), open, high, low, close }
}

/** How a chart looks on this page, in this light. */
function look() {
  const { fontFamily } = getComputedStyle(document.body)
  const line = colour('--line')
  return {
    layout: { background: { color: 'transparent' }, textColor: colour('--muted'), fontFamily, fontSize: 11, attributionLogo: false },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    rightPriceScale: { borderColor: line, minimumWidth: AXIS_WIDTH },
    timeScale: { borderColor: line },
    crosshair: { vertLine: { visible: false, labelVisible: false }, horzLine: { visible: false, labelVisible: false } },
  }
}

function candleLook() {
  const up = colour('--up-fill')
  const down = colour('--down-fill')
  return { upColor: up, wickUpColor: up, downColor: down, wickDownColor: down }
}

/** @param {string} name of a colour in the palette */
function colour(name) {
  return getComputedStyle(document.body).getPropertyValue(name)
}
