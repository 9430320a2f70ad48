import { createServer, type Server } from 'node:http'
import { register } from 'prom-client'
import { instrument, type InstrumentingOptions, type MeasuredManager } from 'stream-connection-manager/operations'
import { PromMeter } from './prom-meter.ts'

/**
 * Returns a server that answers each request with the metrics of a manager, and of its recovery, cluster and command server if the options name them.
 * Let it listen where only your Prometheus can reach it.
 */
export function metricsServer(manager: MeasuredManager, options: InstrumentingOptions = {}): Server {
  instrument(manager, new PromMeter(register, Object.keys(options.attributes ?? {})), options)
  return createServer((_, response) => {
    response.setHeader('content-type', register.contentType)
    register.metrics().then((text) => response.end(text), () => response.writeHead(500).end())
  })
}
