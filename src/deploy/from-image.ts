import { planFromImage } from '../build/from-image.ts'
import { type App } from '../model/app.ts'
import { buildAndRelease } from './build-and-release.ts'
import { type DeployContext } from './context.ts'

/**
 * Makes a prebuilt image an app's own and releases it, through the same checks and switch as a push; resolves to the
 * release's version. Throws FORBIDDEN for an image of another app or service, and for a bare image id.
 */
export async function deployFromImage(app: App, image: string, context: DeployContext): Promise<number> {
  // Before the app's turn: what cannot be is said at once.
  const { plan, source } = planFromImage(image)
  return buildAndRelease(
    {
      app,
      verb: 'git:from-image',
      from: { image },
      plan: (current, _, { report }) => {
        report({ type: 'build:planned', builder: plan.builder, why: plan.why })
        return Promise.resolve({
          app: current,
          description: `Deploy the image ${image}`,
          source,
          plan,
          cron: [],
        })
      },
    },
    context,
  )
}
