import { listen } from '../../examples/hosts/sse.ts'
import { connectSse } from './clients/sse-client.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({ host: 'node:http, server-sent events', recipe: 'sse.ts', listen, connect: connectSse })
