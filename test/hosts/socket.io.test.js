import { listen } from '../../examples/hosts/socket.io.ts'
import { connectSocketIo } from './clients/socket.io-client.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({
  host: 'socket.io',
  recipe: 'socket.io.ts',
  packages: ['socket.io'],
  listen,
  connect: connectSocketIo,
  webSocketPath: '/socket.io/?EIO=4&transport=websocket&user=mallory',
})
