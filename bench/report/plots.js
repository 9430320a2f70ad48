// The plots of the report, drawn by Vega-Lite.
import * as vega from 'vega'
import { compile } from 'vega-lite'

const OURS = 'this library'
const COLORS = { ours: '#0b6e4f', others: '#9aa5b1' }
const PEER_COLORS = ['#d1495b', '#edae49', '#00798c', '#5d5d81', '#8d6a9f', '#b0a990', '#3d5a80']
const SIZE = { width: 560, height: 260 }

/**
 * @typedef {{ file: string, caption: string, svg: string }} Plot
 * @param {import('../suite.js').Findings} findings
 * @returns {Promise<Plot[]>} those for which there is something to draw
 */
export async function plotsOf({ parts }) {
  const rowsOf = (/** @type {string} */ part) => parts.find((each) => each.part === part)?.rows.filter(({ value }) => value !== undefined) ?? []
  const drawn = []
  for (const { file, caption, part, spec } of PLOTS) {
    const given = spec(rowsOf(part))
    if (given !== undefined) drawn.push({ file, caption, svg: await svgOf(given) })
  }
  return drawn
}

async function svgOf(/** @type {object} */ spec) {
  const { spec: full } = compile({ ...SIZE, background: 'white', config: { font: 'sans-serif', view: { stroke: null } }, ...spec })
  return new vega.View(vega.parse(full), { renderer: 'none' }).toSVG()
}

const PLOTS = [
  { part: 'fan-out', file: 'fan-out.svg', caption: 'Fan-out of a text, to sockets of which nothing is known: times the bare loop', spec: fanOut },
  { part: 'publish', file: 'publish.svg', caption: 'A whole publish of 190 B: times "stringify once and loop"', spec: publish },
  { part: 'churn', file: 'churn.svg', caption: 'Leave, join and k subscriptions: microseconds of CPU', spec: churn },
  { part: 'memory', file: 'memory.svg', caption: 'Heap bytes of a subscription, one connection a user, k = 10', spec: memory },
  { part: 'real-ws', file: 'real-ws.svg', caption: 'Real ws sockets: microseconds of the server\'s CPU for a delivery', spec: realWs },
]

/** Rows with peers → points, one a contender. */
function points(/** @type {readonly import('../suite.js').Row[]} */ rows) {
  return rows.flatMap(({ facts: { subscribers }, value, peers = {} }) => (
    Object.entries({ [OURS]: value, ...peers }).map(([who, ratio]) => ({ subscribers, who, ratio: Math.max(/** @type {number} */ (ratio), 0.5) }))
  ))
}

function fanOut(/** @type {readonly import('../suite.js').Row[]} */ rows) {
  const values = points(rows.filter(({ facts: { isMetered, variant, subscribers } }) => !isMetered && variant === 'plain' && subscribers > 1))
  return lines(values, 'times the bare loop (log)')
}

function publish(/** @type {readonly import('../suite.js').Row[]} */ rows) {
  return lines(points(rows), 'times stringify once + loop (log)')
}

function lines(/** @type {readonly { who: string }[]} */ values, /** @type {string} */ title) {
  if (values.length === 0) return undefined
  return {
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'subscribers', type: 'quantitative', scale: { type: 'log' }, title: 'subscribers (log)' },
      y: { field: 'ratio', type: 'quantitative', scale: { type: 'log' }, title },
      color: colorOf(values),
      strokeWidth: { condition: { test: `datum.who === '${OURS}'`, value: 3 }, value: 1.5 },
    },
  }
}

function colorOf(/** @type {readonly { who: string }[]} */ values) {
  const peers = [...new Set(values.map(({ who }) => who))].filter((who) => who !== OURS)
  return { field: 'who', type: 'nominal', title: null, scale: { domain: [OURS, ...peers], range: [COLORS.ours, ...PEER_COLORS] } }
}

function churn(/** @type {readonly import('../suite.js').Row[]} */ rows) {
  const values = rows.flatMap(({ facts: { connections, k }, costs }) => (
    Object.entries(costs).map(([who, microseconds]) => ({ connections, microseconds, who: who === 'ours' ? OURS : who, k: `k = ${k}` }))
  ))
  if (values.length === 0) return undefined
  return {
    data: { values },
    width: SIZE.width / 3,
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'connections', type: 'quantitative', scale: { type: 'log' }, title: 'connections (log)' },
      y: { field: 'microseconds', type: 'quantitative', scale: { type: 'log' }, title: 'µs (log)' },
      color: colorOf(values),
      column: { field: 'k', type: 'nominal', title: null },
    },
  }
}

function memory(/** @type {readonly import('../suite.js').Row[]} */ rows) {
  const subscriptions = rows.filter(({ metric }) => metric === 'bytes per subscription')
  const held = subscriptions.filter(({ facts: { k, connectionsPerUser } }) => k === 10 && connectionsPerUser === 1)
  const smallest = Math.min(...held.map(({ facts: { connections } }) => connections))
  const values = held.filter(({ facts: { connections } }) => connections === smallest).map(({ what, value, facts: { isOurs } }) => (
    { who: what.split(',')[0], value, kind: isOurs ? 'ours' : 'others' }
  ))
  return values.length === 0 ? undefined : bars(values, 'bytes')
}

function realWs(/** @type {readonly import('../suite.js').Row[]} */ rows) {
  const measured = rows.filter(({ metric, facts: { sockets, bytes } }) => metric === 'CPU per delivery' && sockets === 500 && bytes === 200)
  const values = measured.flatMap(({ facts: { messagesPerTick }, costs }) => Object.entries(costs).map(([who, value]) => (
    { who, value, kind: ['wsTransport', 'no hook'].includes(who) ? 'ours' : 'others', pace: `${messagesPerTick} a tick` }
  )))
  // Each contender is in several rows.
  const once = [...new Map(values.map((each) => [`${each.who} ${each.pace}`, each])).values()]
  return once.length === 0 ? undefined : { ...bars(once, 'µs of CPU for a delivery'), width: SIZE.width / 2.2 }
}

function bars(/** @type {readonly { who: string, value: number, kind: string, pace?: string }[]} */ values, /** @type {string} */ title) {
  return {
    data: { values },
    mark: { type: 'bar', height: { band: 0.7 } },
    height: { step: 28 },
    encoding: {
      y: { field: 'who', type: 'nominal', title: null, sort: { field: 'value' } },
      x: { field: 'value', type: 'quantitative', title },
      color: { field: 'kind', type: 'nominal', legend: null, scale: { domain: ['ours', 'others'], range: [COLORS.ours, COLORS.others] } },
      ...(values[0].pace === undefined ? {} : { column: { field: 'pace', type: 'nominal', title: null } }),
    },
  }
}
