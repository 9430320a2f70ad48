import { listen } from '../../../examples/hosts/sse.ts'
import { connectSse } from './clients/sse-client.ts'
import { leavingSse } from './clients/leaving.ts'
import { CANNOT_SEND, ENDS_UNREAD_LATE } from './skips.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({
  host: 'node:http, server-sent events',
  recipe: 'sse.ts',
  listen,
  beatsByClock: true,
  connect: connectSse,
  connectAndLeave: leavingSse,
  skip: [CANNOT_SEND, ENDS_UNREAD_LATE],
})
