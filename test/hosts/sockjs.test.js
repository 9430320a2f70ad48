import { listen } from '../../examples/hosts/sockjs.ts'
import { connectSockJs } from './clients/sockjs-client.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({
  host: 'sockjs',
  recipe: 'sockjs.ts',
  packages: ['sockjs'],
  listen,
  connect: connectSockJs,
  webSocketPath: '/sockjs/000/mallory/websocket?user=mallory',
})
