import { listen } from '../../../examples/hosts/socket.io.ts'
import { connectSocketIo } from './clients/socket.io-client.ts'
import { leavingWs } from './clients/leaving.ts'
import { heartbeatElsewhere } from './skips.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({
  host: 'socket.io',
  recipe: 'socket.io.ts',
  packages: ['socket.io'],
  listen,
  connect: connectSocketIo,
  connectAndLeave: leavingWs('/socket.io/?EIO=4&transport=websocket'),
  skip: [heartbeatElsewhere('engine.io sends a ping every 25 s; the suite does not wait so long')],
  webSocketPath: '/socket.io/?EIO=4&transport=websocket&user=mallory',
})
