import { listen } from '../../../examples/hosts/ws.ts'
import { connectWs } from './clients/ws-client.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({ host: 'ws', recipe: 'ws.ts', packages: ['ws'], listen, beatsByClock: true, connect: connectWs })
