import { type Counted, type WorkerStats } from './stats.ts'

const answerMs = 3000

/**
 * The master's view of what its workers count, in which no counter falls when one of them is replaced: what it has
 * counted goes to an heir. `Worker` is the identity of one.
 */
export function createStatsCollection<Worker>(tell: {
  ask: (worker: Worker, id: number) => void
  inherit: (worker: Worker, counted: Counted) => void
}) {
  const questions = new Map<number, { worker: Worker; answer: (stats: WorkerStats | undefined) => void }>()
  /** What each living worker said last. */
  const last = new Map<Worker, WorkerStats>()
  let unclaimed: readonly Counted[] = []
  let questionsAsked = 0

  function ask(worker: Worker): Promise<WorkerStats | undefined> {
    return new Promise((resolve) => {
      const id = (questionsAsked += 1)
      const answer = (stats: WorkerStats | undefined): void => {
        clearTimeout(timer)
        questions.delete(id)
        resolve(stats)
      }
      const timer = setTimeout(() => answer(last.get(worker)), answerMs)
      questions.set(id, { worker, answer })
      tell.ask(worker, id)
    })
  }

  function bequeath(heir: Worker, counted: Counted): void {
    tell.inherit(heir, counted)
    // Should it end before anybody asks.
    void ask(heir)
  }

  return {
    /** A worker's answer, or its last words (`id` 0). */
    told(worker: Worker, id: number, stats: WorkerStats): void {
      last.set(worker, stats)
      questions.get(id)?.answer(stats)
    },
    /** `heir`: one that serves. */
    ended(worker: Worker, heir: Worker | undefined): void {
      const stats = last.get(worker)
      last.delete(worker)
      for (const question of questions.values()) if (question.worker === worker) question.answer(stats)
      if (stats === undefined) return
      if (heir === undefined) unclaimed = [...unclaimed, stats]
      else bequeath(heir, stats)
    },
    /** A worker serves, and so listens. */
    serves(worker: Worker): void {
      for (const counted of unclaimed) bequeath(worker, counted)
      unclaimed = []
    },
    /** What the workers say now, or said last where one is silent, and what nobody has inherited. */
    async collect(workers: readonly Worker[]) {
      const gone = unclaimed
      const answers = await Promise.all(workers.map(async (worker) => ({ worker, stats: await ask(worker) })))
      const living = answers.flatMap(({ worker, stats }) => (stats === undefined ? [] : [{ worker, stats }]))
      return { living, gone }
    },
  }
}
