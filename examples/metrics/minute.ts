// A minute of load in real time, collected each second by the SDK of OpenTelemetry and by prom-client. --seconds N for another time.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { instrument } from 'stream-connection-manager/operations'
import { Load } from './load.ts'
import { OtelReader } from './otel-reader.ts'
import { PromReader } from './prom-reader.ts'
import { SeriesWatch } from './series-watch.ts'

const STEP_MS = 10

const { values: { seconds } } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } })
const [otel, prom] = [new OtelReader(), new PromReader()]
const watches = [new SeriesWatch(otel), new SeriesWatch(prom)]
const load = new Load()
await load.start()
for (const { meter } of [otel, prom]) instrument(load.manager, meter, load.parts)

const startMs = performance.now()
let steps = 0
for (let second = 1; second <= Number(seconds); second++) {
  while (performance.now() - startMs < second * 1_000) {
    while (steps * STEP_MS < performance.now() - startMs) {
      load.step()
      steps++
    }
    await sleep(STEP_MS)
  }
  for (const watch of watches) await watch.collect()
}
await load.close()

for (const [series, value] of watches[1]?.values ?? []) if (!series.includes('_bucket')) console.log(`${series} ${value}`)
const faults = watches.flatMap((watch) => watch.faults)
console.log(`\n${steps} steps, ${watches.map(({ values, collections }) => `${values.size} series × ${collections}`).join(' and ')}: ${faults.length} faults`)
for (const fault of faults) console.log(fault)
process.exitCode = faults.length > 0 ? 1 : 0
