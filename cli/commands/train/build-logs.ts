import TrainLogs from './logs.ts'

/** The name that the original's manual gave it. */
export default class TrainBuildLogs extends TrainLogs {
  static override examples = ['<%= config.bin %> train build-logs -j 1ed80bca']
}
