// Real servers on ws, their clients in another process: what a delivery costs the server in CPU, how many there are, how late they are.
import { compared, LOADS, QUICK_LOADS, wireRemarks, wireRow } from '../wire/comparison.js'

export const title = 'Real ws sockets on loopback'

const CONTENDERS = [
  { name: 'plain loop', host: 'ws-loop' },
  { name: 'no hook', host: 'manager', options: { hasTransport: false } },
  { name: 'wsTransport', host: 'manager', options: { hasTransport: true } },
  { name: 'socket.io', host: 'socket-io' },
  { name: 'crossws', host: 'crossws' },
]

export function cases(/** @type {boolean} */ isQuick) {
  const effort = isQuick
    ? { rounds: 3, deliveries: 30_000, latencyRounds: 3, ticks: 4 }
    : { rounds: 7, deliveries: 60_000, latencyRounds: 5, ticks: 8 }
  const loads = isQuick ? QUICK_LOADS : LOADS
  return (isQuick ? [200] : [500, 1_000]).map((sockets) => ({ sockets, loads, ...effort }))
}

export function measure(facts) {
  return compared(CONTENDERS, facts)
}

export function rows(outcomes) {
  const each = outcomes.flatMap(({ facts: { sockets, loads }, outcome }) => loads.map((load, i) => ({ ...load, sockets, outcome: outcome[i] })))
  return each.flatMap(({ sockets, bytes, messagesPerTick, outcome }) => {
    const what = `${sockets.toLocaleString('en')} sockets, ${bytes} B, ${messagesPerTick} a tick`
    const facts = { sockets, bytes, messagesPerTick }
    const row = (contender, than, column) => wireRow(outcome, what, { contender, than }, column, facts)
    return [
      { ...row('wsTransport', 'plain loop', 'cpuUs'), remark: wireRemarks(outcome) },
      row('wsTransport', 'socket.io', 'cpuUs'),
      row('wsTransport', 'crossws', 'cpuUs'),
      row('no hook', 'plain loop', 'cpuUs'),
      row('wsTransport', 'plain loop', 'p99'),
      row('no hook', 'plain loop', 'p99'),
    ]
  })
}
