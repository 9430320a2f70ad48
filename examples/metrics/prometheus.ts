import { createServer, type Server } from 'node:http'
import { register } from 'prom-client'
import { instrument, type MeasuredManager } from 'stream-connection-manager/operations'
import { PromMeter } from './prom-meter.ts'

/** Returns a server that answers each request with the metrics of a manager. Let it listen where only your Prometheus can reach it. */
export function metricsServer(manager: MeasuredManager): Server {
  instrument(manager, new PromMeter(register))
  return createServer((_, response) => {
    response.setHeader('content-type', register.contentType)
    register.metrics().then((text) => response.end(text), () => response.writeHead(500).end())
  })
}
