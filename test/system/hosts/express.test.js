import { listen } from '../../../examples/hosts/express.ts'
import { connectWs } from './clients/ws-client.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({ host: 'Express with ws', recipe: 'express.ts', packages: ['express', 'ws'], listen, beatsByClock: true, connect: connectWs })
