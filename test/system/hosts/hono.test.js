import { listen } from '../../../examples/hosts/hono.ts'
import { connectWs } from './clients/ws-client.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({ host: 'Hono', recipe: 'hono.ts', packages: ['hono', '@hono/node-server', 'ws'], listen, beatsByClock: true, connect: connectWs })
