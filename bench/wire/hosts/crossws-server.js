import nodeAdapter from 'crossws/adapters/node'
import { listeningHttp } from './http-server.js'

/** Returns a server of crossws on loopback, with these hooks. */
export async function listenOnCrossws(/** @type {import('crossws').Hooks} */ hooks) {
  const http = await listeningHttp()
  const adapter = nodeAdapter({ idleTimeout: 0, hooks })
  http.on('upgrade', adapter.handleUpgrade)
  return { adapter, facts: { port: http.address().port, path: '/', protocol: 'ws' } }
}
