import { describe, it } from 'node:test'
import { listen as listenCrossws } from '../../../examples/hosts/crossws.ts'
import { listen as listenExpress } from '../../../examples/hosts/express.ts'
import { listen as listenFastify } from '../../../examples/hosts/fastify.ts'
import { listen as listenHono } from '../../../examples/hosts/hono.ts'
import { listen as listenNest } from '../../../examples/hosts/nest.ts'
import { listen as listenUws } from '../../../examples/hosts/uwebsockets.ts'
import { listen as listenWs } from '../../../examples/hosts/ws.ts'
import { checkBytes, PRICE } from './bytes-tests.ts'
import { AT_ONCE } from './recipe-tests.ts'

const HOSTS = /** @type {const} */ ([
  ['ws', listenWs],
  ['Express with ws', listenExpress],
  ['Fastify', listenFastify],
  ['Hono', listenHono],
  ['NestJS', listenNest],
  ['crossws', listenCrossws],
  ['uWebSockets.js', listenUws],
])

describe('texts and bytes in turn', { timeout: 30_000 }, () => {
  for (const [host, listen] of HOSTS) {
    it(`reach a client of ${host} as what they are`, async (test) => {
      const { manager, port, stop } = await listen()
      test.after(() => stop(AT_ONCE))

      await checkBytes(port, (payloads) => {
        for (const each of payloads) manager.publish(PRICE, { text: typeof each === 'string' ? each : Uint8Array.from(each) })
      })
    })
  }
})
