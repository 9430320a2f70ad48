import { listen } from '../../../examples/hosts/fastify.ts'
import { connectWs } from './clients/ws-client.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({ host: 'Fastify', recipe: 'fastify.ts', packages: ['fastify', '@fastify/websocket'], listen, beatsByClock: true, connect: connectWs })
