import recipe, { Market as Recipe } from '../../../../examples/hosts/workers.ts'
import { answer, called, type Call } from '../calls.ts'
import { libraryTests } from './library-tests.ts'
import { outcomesOf } from './outcomes.ts'

interface Env {
  readonly MARKET: DurableObjectNamespace<Market>
}

/** The recipe's object, which also takes calls of its manager as requests, and runs the tests of the library where it is. */
export class Market extends Recipe {
  override async fetch(request: Request): Promise<Response> {
    if (request.method !== 'POST') return super.fetch(request)
    if (pathOf(request) === '/tests') return Response.json(await outcomesOf(libraryTests))
    return Response.json(await answer(called(this.manager), await request.json<Call>()))
  }
}

export default {
  async fetch(request, env) {
    if (pathOf(request) !== '/feed') return recipe.fetch(request, env)
    return Response.json(await env.MARKET.getByName('market').publish(await request.json()))
  },
} satisfies ExportedHandler<Env>

function pathOf({ url }: Request): string {
  return new URL(url).pathname
}
