/** The stages of a deploy in order; each begins where the one before it ends. */
export const stages = [
  'receive',
  'build',
  'release',
  'create',
  'check',
  'switch',
  'acknowledge',
  'drain',
  'retire',
  'done',
] as const
export type Stage = (typeof stages)[number]

/** What happens in a deploy, as it happens. Reporters decide how it looks; deploy/render.ts is Heroku's style. */
export type DeployEvent =
  | { type: 'stage:began'; stage: Stage }
  | { type: 'queue:waiting'; owner: string; verb: string; since: Date }
  | { type: 'source:received'; commit: string; files: number }
  | { type: 'build:planned'; builder: string; why: string }
  | { type: 'build:waiting'; running: number }
  | { type: 'build:line'; text: string }
  | { type: 'image:built'; processTypes: string[]; seconds: number }
  | { type: 'release:created'; version: number; description: string }
  | { type: 'release-task:started'; task: string; command: string }
  | { type: 'release-task:line'; text: string }
  | { type: 'container:started'; name: string }
  | { type: 'check:passed'; name: string; seconds: number }
  | { type: 'container:failed'; name: string; reason: string; causes: string[]; lastLines: string[] }
  | { type: 'route:switched'; hosts: string[]; backends: number; workers: number }
  | { type: 'container:retired'; name: string }
  | { type: 'warning'; text: string }
  | { type: 'deployed'; version: number; urls: string[] }

export type Report = (event: DeployEvent) => void
