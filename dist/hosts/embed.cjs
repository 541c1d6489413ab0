module.exports = require('./embed.js')
