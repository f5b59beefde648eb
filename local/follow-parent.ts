// Loaded before a part of the demo (`node --import`): without the process that started it a part
// would go on alone and hold its port, so it ends as if it had been asked to.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
