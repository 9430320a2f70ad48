import { listen } from '../../../examples/hosts/sockjs.ts'
import { connectSockJs } from './clients/sockjs-client.ts'
import { leavingWs } from './clients/leaving.ts'
import { heartbeatElsewhere } from './skips.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({
  host: 'sockjs',
  recipe: 'sockjs.ts',
  packages: ['sockjs'],
  listen,
  connect: connectSockJs,
  connectAndLeave: leavingWs('/sockjs/000/leaving/websocket'),
  skip: [heartbeatElsewhere('its heartbeat needs no answer; only the TCP connection shows that a peer is silent')],
  webSocketPath: '/sockjs/000/mallory/websocket?user=mallory',
})
