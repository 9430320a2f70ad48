import { once } from 'node:events'
import { createServer } from 'node:http'

/** Returns an HTTP server on loopback, for those who upgrade its requests. */
export async function listeningHttp() {
  const http = createServer()
  http.listen({ host: '127.0.0.1', port: 0, backlog: 2_048 })
  await once(http, 'listening')
  return http
}
