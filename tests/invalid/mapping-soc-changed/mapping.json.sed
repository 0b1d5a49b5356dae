3s/dd036/dd037/
