import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { ConnectionManager } from 'stream-connection-manager'
import { instrument } from 'stream-connection-manager/operations'
import { ManualClock } from 'stream-connection-manager/testing'
import { Load } from './load.ts'
import { OtelReader } from './otel-reader.ts'
import { PromMeter } from './prom-meter.ts'
import { PromReader } from './prom-reader.ts'
import { metricsServer } from './prometheus.ts'
import { nameOf, SeriesWatch } from './series-watch.ts'

/** @import { Values } from './series-watch.ts' */

const SECONDS = 60
const STEPS_A_SECOND = 100
/** What needs a broker that fails, a foreign program, or the end of the manager. */
const STILL = [
  'connection.removals{stream_connection_manager.reason=cleanup}',
  ...['outages', 'duplicate.messages', 'unwanted.messages', 'foreign.messages', 'other_version.messages', 'repairs', 'repaired.messages', 'gaps', 'missing.messages'].map(
    (name) => `cluster.${name}{}`,
  ),
]

describe('instrument, over the events of a minute', () => {
  const [otel, prom] = [new OtelReader(), new PromReader()]
  const [otelWatch, promWatch] = [new SeriesWatch(otel), new SeriesWatch(prom)]
  const clock = new ManualClock()
  const load = new Load(clock)
  /** @type {Values} */
  let first = new Map()
  let stop = () => {}

  before(async () => {
    await load.start()
    const started = [instrument(load.manager, otel.meter, load.parts), instrument(load.manager, prom.meter, load.parts)]
    stop = () => {
      for (const each of started.reverse()) each.stop()
    }
    for (let second = 0; second < SECONDS; second++) {
      for (const watch of [otelWatch, promWatch]) await watch.collect()
      if (second === 0) first = otelWatch.values
      for (let step = 0; step < STEPS_A_SECOND; step++) {
        load.step()
        clock.advance(1_000 / STEPS_A_SECOND)
        await setImmediate()
      }
    }
    for (const watch of [otelWatch, promWatch]) await watch.collect()
  })

  after(() => load.close())

  it('has no counter that falls, and no series that disappears, in OpenTelemetry and in Prometheus', () => {
    assert.deepEqual([otelWatch.collections, otelWatch.faults], [SECONDS + 1, []])
    assert.deepEqual([promWatch.collections, promWatch.faults], [SECONDS + 1, []])
  })

  it('has every series from the first collection on, except for the measured publishes', () => {
    const later = [...otelWatch.values.keys()].filter((series) => !first.has(series))

    assert.deepEqual(later.map(nameOf), ['stream_connection_manager.publish.duration', 'stream_connection_manager.publish.recipients'])
  })

  it('moves every counter, except for those of a cluster that fails and of a manager that ends', () => {
    const still = [...otelWatch.values].filter(([series, value]) => value === 0 && otel.monotonic.has(nameOf(series))).map(([series]) => series)

    assert.deepEqual(still.sort(), STILL.map((series) => `stream_connection_manager.${series}`).sort())
  })

  it('accounts for every recipient of every message', () => {
    const { matched, waiting } = load.manager.stats()

    const ended = [...otelWatch.values].filter(([series]) => nameOf(series) === 'stream_connection_manager.message.deliveries').reduce((sum, [, value]) => sum + value, 0)

    assert.equal(ended + waiting, matched)
    assert.ok(matched > 100_000)
  })

  it('has the same numbers in OpenTelemetry and in Prometheus', () => {
    const prometheus = new Map([...promWatch.values].map(([series, value]) => [comparable(series), value]))

    const different = [...otelWatch.values].filter(([series, value]) => !series.includes('.publish.') && prometheus.get(comparable(series)) !== value)

    assert.deepEqual(different, [])
  })

  it('measures about one publish in a hundred', () => {
    const measured = otelWatch.values.get('stream_connection_manager.publish.recipients{}') ?? 0

    const published = SECONDS * STEPS_A_SECOND * 14
    assert.ok(measured > published / 200 && measured < published / 50, `${measured} of ${published}`)
  })

  it('reads nothing more after stop', async () => {
    stop()

    load.step()

    assert.deepEqual(await otel.collect(), otelWatch.values)
    assert.deepEqual([...(await prom.collect()).keys()].filter((series) => !series.includes('_publish_')), [])
    assert.equal(Object.hasOwn(load.manager, 'publish'), false)
  })
})

describe('instrument, with two managers and one meter', () => {
  it('has the series of both, told apart by an attribute', async () => {
    const otel = new OtelReader()
    const [orders, prices] = [new ConnectionManager(), new ConnectionManager()]
    orders.addConnection('c1', { send() {}, close() {} }, 'alice')

    instrument(orders, otel.meter, { attributes: { desk: 'orders' } })
    instrument(prices, otel.meter, { attributes: { desk: 'prices' } })
    const values = await otel.collect()

    const counts = [...values].filter(([series]) => nameOf(series) === 'stream_connection_manager.connection.count')
    assert.deepEqual(counts, [['stream_connection_manager.connection.count{desk=orders}', 1], ['stream_connection_manager.connection.count{desk=prices}', 0]])
  })

  it('has them in prom-client too', async () => {
    const register = new Registry()
    const meter = new PromMeter(register, ['desk'])
    const [orders, prices] = [new ConnectionManager(), new ConnectionManager()]
    prices.addConnection('c1', { send() {}, close() {} }, 'alice')

    instrument(orders, meter, { attributes: { desk: 'orders' } })
    instrument(prices, meter, { attributes: { desk: 'prices' } })
    const text = await register.metrics()

    assert.match(text, /^stream_connection_manager_connection_count\{desk="orders"\} 0$/m)
    assert.match(text, /^stream_connection_manager_connection_additions_total\{desk="prices"\} 0$/m)
    assert.match(text, /^stream_connection_manager_connection_count\{desk="prices"\} 1$/m)
  })
})

describe('the server for Prometheus', () => {
  it('answers with the metrics of all parts, each with its unit in the name', async () => {
    const load = new Load()
    await load.start()
    const server = metricsServer(load.manager, { ...load.parts, attributes: { desk: 'fx' } }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())

    try {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`)
      const text = await response.text()

      assert.match(response.headers.get('content-type') ?? '', /^text\/plain/)
      assert.match(text, /^# TYPE stream_connection_manager_queue_size_bytes gauge$/m)
      assert.match(text, /^stream_connection_manager_message_deliveries_total\{desk="fx",stream_connection_manager_outcome="sent"\} \d+$/m)
      for (const name of ['recovery_channel_count', 'cluster_channel_count', 'protocol_session_count']) {
        assert.match(text, new RegExp(`^stream_connection_manager_${name}\\{desk="fx"\\} [1-9]`, 'm'))
      }
    } finally {
      server.close()
      await load.close()
    }
  })
})

describe('the meter of OpenTelemetry without an SDK', () => {
  it('lets the recipe run', async () => {
    await assert.doesNotReject(import('./otel.ts'))
  })
})

describe('SeriesWatch', () => {
  it('objects to a counter that falls, and to a series that disappears, but not to a gauge that falls', async () => {
    /** @type {Record<string, number>[]} */
    const collections = [{ 'a{}': 5, 'b{}': 5, 'c{}': 5 }, { 'a{}': 4, 'b{}': 4 }]
    const watch = new SeriesWatch({ monotonic: new Set(['a']), collect: async () => new Map(Object.entries(collections.shift() ?? {})) })

    await watch.collect()
    await watch.collect()

    assert.deepEqual(watch.faults, ['a{} fell from 5 to 4 at collection 2', 'c{} disappeared at collection 2'])
  })
})

/** A series as both systems can name it: without dots, quotes and the suffixes of Prometheus. */
function comparable(/** @type {string} */ series) {
  const [, name = '', labels = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(series) ?? []
  return `${name.replace(/(_bytes)?(_total)?$/, '')}{${labels.replaceAll('"', '')}}`.replaceAll('.', '_')
}
