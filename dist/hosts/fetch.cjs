module.exports = require('./fetch.js')
