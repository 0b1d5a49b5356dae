15,16c "rules": { } }
