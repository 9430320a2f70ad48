import { listen } from '../../../examples/hosts/crossws.ts'
import { connectWs } from './clients/ws-client.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({ host: 'crossws', recipe: 'crossws.ts', packages: ['crossws'], listen, connect: connectWs })
